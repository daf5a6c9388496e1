"""Locks that the system lets go of when their holder ends, on whichever host or container it is.

They are flock(2)'s, as filelock's are: a lock says that somebody lives without a process number,
which means nothing on another host.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from vmcore.runs.errors import RunError

_PATIENCE_S = 20.0
_GLANCE_S = 0.4


def hold(file: Path) -> int | None:
    """Lock a file, for as long as the returned descriptor is open; None where it is held.

    A child process that is given the descriptor holds the lock too, without a moment between.
    """
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
    ends = time.monotonic() + _GLANCE_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > ends:
                os.close(descriptor)
                return None
            time.sleep(_GLANCE_S / 20)  # perhaps somebody only asks, who lets go at once
        except BaseException:
            os.close(descriptor)
            raise
        else:
            return descriptor


def held(file: Path) -> bool:
    """Whether somebody holds a lock, here or elsewhere; those who ask do not disturb each other."""
    try:
        descriptor = os.open(file, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextmanager
def alone(file: Path, sentence: str, patience_s: float = _PATIENCE_S) -> Iterator[None]:
    """Do something that one process at a time may do.

    Args:
        file: the lock; its folder must be there.
        sentence: what is said where others hold it for long.
        patience_s: how long that is.

    Raises:
        RunError: they do.
        FileNotFoundError: there is no such folder any more.
    """
    if not file.parent.is_dir():
        raise FileNotFoundError(file.parent)
    try:
        with FileLock(file, timeout=patience_s):
            yield
    except Timeout as error:
        raise RunError(sentence) from error
