"""Connections that end at a set time, whoever is silent, slow or drips bytes.

A time limit of the usual kind counts between two bytes, so that who sends one a second is never late. Here the
connection itself is shut down, in whatever it is at: connecting, encryption, sending, headers or body.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection


class Deadline:
    """The end of an exchange, from its making on.

    Attributes:
        over: whether it has come.

    Args:
        seconds: how long the whole exchange may take.
    """

    def __init__(self, seconds: float) -> None:
        self.over = False
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._timer.start()

    def holds(self, connection: socket.socket) -> None:
        """Have a connection end with it."""
        own = connection.dup()  # encryption takes the other one over
        with self._lock:
            self._sockets.append(own)
        if self.over:
            self._end()

    def close(self) -> None:
        """Let go of all connections; what is over stays so."""
        self._timer.cancel()
        with self._lock:
            while self._sockets:
                self._sockets.pop().close()

    def _end(self) -> None:
        with self._lock:
            self.over = True
            for connection in self._sockets:
                with contextlib.suppress(OSError):  # it has ended by itself
                    connection.shutdown(socket.SHUT_RDWR)


def adapter(deadline: Deadline) -> HTTPAdapter:
    """What opens connections that end with a deadline, and tries none again."""

    class _Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            connection = super()._new_conn()
            deadline.holds(connection)
            return connection

    class _Encrypted(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            connection = super()._new_conn()
            deadline.holds(connection)
            return connection

    class _PlainPool(HTTPConnectionPool):
        ConnectionCls: Any = _Plain

    class _EncryptedPool(HTTPSConnectionPool):
        ConnectionCls: Any = _Encrypted

    made = HTTPAdapter(max_retries=0)
    made.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _EncryptedPool}
    return made
