"""An instance on its way into the inbox: on the disk as it comes, in memory never."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import shutil
import weakref
from pathlib import Path
from typing import BinaryIO

HALF = ".half-"
"""How names of what is being written begin."""
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_BUFFER_BYTES = 2**20
_LOOK_BYTES = 4 * 2**20  # between looks at the disk's room


class InboxFullError(ValueError):
    """There is no room on the disk; nothing of the instance was kept."""


class TooLargeError(ValueError):
    """The instance is larger than the limit; nothing of it was kept."""


class Arriving:
    """A file that takes what comes of one instance, until it is kept or let go of.

    What cannot be taken raises nothing until the end: it is noted, the disk's room given back and all that
    still comes let go of, so that a sender hears the cause and can go on with its next instance. It is
    removed with this object at the latest.

    Args:
        folder: where it is written, beside what is kept.
        most_bytes: the limit.
        free_bytes: room that is left on the disk for others.
    """

    def __init__(self, folder: Path, most_bytes: int, free_bytes: int) -> None:
        self.path, handle = _begun(folder)
        self.size = 0
        self._folder, self._most, self._free = folder, most_bytes, free_bytes
        self._trouble: ValueError | OSError | None = None
        self._looked_at = -_LOOK_BYTES
        self._stream = os.fdopen(handle, "wb", buffering=_BUFFER_BYTES)
        self._remove = weakref.finalize(self, _remove, self._stream, self.path)

    def write(self, part: bytes) -> int:
        """Take a part; its length, taken or not."""
        if self._trouble is None:
            self.size += len(part)
            try:
                self._look(len(part))
                self._stream.write(part)
            except (ValueError, OSError) as error:
                self._give_up(error)
        return len(part)

    def settle(self) -> None:
        """Bring it to the disk; it stays locked, so that nobody sweeps it, until it is kept or let go of.

        Raises:
            TooLargeError: it is larger than the limit.
            InboxFullError: the disk has no room for it.
            OSError: it cannot be written for another reason.
        """
        if self._trouble is None and not self._stream.closed:
            try:
                self._stream.flush()
                os.fsync(self._stream.fileno())
            except OSError as error:
                self._give_up(error)
        if self._trouble is not None:
            raise self._trouble

    # what pynetdicom asks of its temporary files: a name, a file in them to flush, and that they close
    @property
    def name(self) -> str:
        """Its path."""
        return str(self.path)

    @property
    def file(self) -> Arriving:
        """Itself."""
        return self

    def flush(self) -> None:
        """Nothing: it comes to the disk whole, when it is kept."""

    def close(self) -> None:
        """Let go of it."""
        self.discard()

    def discard(self) -> None:
        """Remove the file under this name; what was linked to another one stays there."""
        self._remove()

    def _look(self, more: int) -> None:
        if self.size > self._most:
            raise TooLargeError(f"It is larger than the limit of {self._most // 2**20} MB.")
        if self.size - self._looked_at >= _LOOK_BYTES:
            self._looked_at = self.size
            if shutil.disk_usage(self._folder).free - more < self._free:
                raise InboxFullError(_no_room())

    def _give_up(self, error: ValueError | OSError) -> None:
        full = isinstance(error, OSError) and error.errno in _FULL
        self._trouble = InboxFullError(_no_room()) if full else error
        with contextlib.suppress(OSError):
            self._stream.close()
        with contextlib.suppress(OSError):
            os.truncate(self.path, 0)


def remove_left(path: Path) -> None:
    """Remove what somebody who was killed left half-written; what somebody is at stays."""
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)
    except BlockingIOError:
        return
    finally:
        os.close(handle)


def _begun(folder: Path) -> tuple[Path, int]:
    """A new file that is locked: somebody lives who is at it."""
    while True:
        path = folder / f"{HALF}{secrets.token_hex(8)}"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(
            handle, fcntl.LOCK_EX
        )  # waits at the most while somebody sweeps it, before the lock
        if os.fstat(handle).st_nlink:
            return path, handle
        os.close(handle)


def _remove(stream: BinaryIO, path: Path) -> None:
    path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        stream.close()


def _no_room() -> str:
    return "The disk has no room for another image; remove some from the inbox."
