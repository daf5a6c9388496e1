"""Bound what one connection may take of the node: time, memory, and a place among the associations.

The library's sockets know no limit once a connection is accepted: who stops within a message (PS3.8, 9.3)
would be waited for without end, and up to 4 GiB held for a message that claims that much.
"""

from __future__ import annotations

import contextlib
import socket
import time
from typing import Any

from pynetdicom import AE
from pynetdicom.association import Association

_MOST_BYTES = (
    2**20
)  # of one PDU; far more than a request for an association or a negotiated part takes
_PIECE_BYTES = 2**16


class NodeEntity(AE):
    """An application entity that counts as associations those only that were asked for and still live.

    The library counts every connection, for as long as it may wait for a request: who looks whether the
    port is open, or says nothing, would take the place of a sender.
    """

    @property
    def active_associations(self) -> list[Association]:
        """The associations that have a place among ``maximum_associations``."""
        return [
            association
            for association in super().active_associations
            if association.requestor.primitive is not None and association.dul.is_alive()
        ]


def bound(event: Any, addresses: set[str], silence_s: float) -> None:
    """Bound a connection that has just opened; one from an address of no known peer ends at once.

    Args:
        event: the library's ``EVT_CONN_OPEN``.
        addresses: from where peers may connect.
        silence_s: how long the rest of a PDU is waited for, and until what is sent is taken, seconds.
    """
    wrapped = event.assoc.dul.socket
    link: socket.socket = wrapped.socket
    requestor = event.assoc.requestor.address_info
    if requestor is None or requestor.address not in addresses:
        with contextlib.suppress(OSError):  # it has gone by itself
            link.shutdown(socket.SHUT_RDWR)
    link.settimeout(silence_s)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(silence_s * 1000))
    # the library makes its sockets itself and asks for no class of them
    wrapped.recv = lambda count: received(link, count, silence_s)


def received(link: socket.socket, count: int, longest_s: float) -> bytearray:
    """Read a part of a PDU; it is shorter than asked for where the connection ends before.

    Args:
        link: the connection.
        count: how many bytes, as the PDU itself claims.
        longest_s: how long all of them may take, seconds.

    Raises:
        OSError: they are too many.
        TimeoutError: they do not come in time.
    """
    if count > _MOST_BYTES:
        raise OSError("A PDU claims to be longer than may be.")
    until = time.monotonic() + longest_s
    data = bytearray()
    try:
        while len(data) < count:
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError("A PDU does not come to its end.")
            link.settimeout(left)
            piece = link.recv(min(count - len(data), _PIECE_BYTES))
            if not piece:
                break
            data += piece
    finally:
        with contextlib.suppress(OSError):  # closed meanwhile
            link.settimeout(longest_s)
    return data
