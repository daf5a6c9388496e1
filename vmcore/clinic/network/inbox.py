"""What the DICOM node has received: one file an instance, named by no identity, on disk when it is said so.

The files are the index: there is no second record that a crash could leave in disagreement with them.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
import time
from enum import Enum
from pathlib import Path

from vmcore.files import expanded
from vmcore.settings import settings

_ENDING = ".dcm"
_HALF = ".half-"  # names of what is being written
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DAY_S = 86_400


class Kept(Enum):
    """What became of an instance that was sent."""

    NEW = "new"
    SAME = "same"
    """It was here already, byte for byte."""
    DIFFERENT = "different"
    """Another content has this SOP Instance UID; the first one stays."""


class InboxFullError(ValueError):
    """There is no room on the disk; nothing of the instance was kept."""


class Inbox:
    """A folder of received instances; safe to share between threads and processes.

    Args:
        folder: where they lie; ``inbox`` in the store without it.
        free_bytes: room that is left on the disk for others, bytes.
    """

    def __init__(self, folder: Path | None = None, free_bytes: int = 0) -> None:
        self.folder = folder or expanded(settings().store) / "inbox"
        self._free_bytes = free_bytes
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def keep(self, instance_uid: str, content: bytes) -> Kept:
        """Bring an instance to the disk so that it outlives a power cut once this has returned.

        Args:
            instance_uid: its SOP Instance UID.
            content: the whole DICOM file, as received.

        Raises:
            InboxFullError: the disk has no room; nothing half-written stays.
        """
        target = self.folder / file_name(instance_uid)
        if target.exists():
            return self._compared(target, content)
        if shutil.disk_usage(self.folder).free - len(content) < self._free_bytes:
            raise InboxFullError(_no_room())
        half = self.folder / f"{_HALF}{secrets.token_hex(8)}"
        try:
            _write(half, content)
            os.link(half, target)  # fails where another sender was first
        except FileExistsError:
            return self._compared(target, content)
        except OSError as error:
            if error.errno in _FULL:
                raise InboxFullError(_no_room()) from None
            raise
        finally:
            half.unlink(missing_ok=True)
        self._settle()
        return Kept.NEW

    def instances(self) -> list[Path]:
        """What is here, the newest first; removed meanwhile by others: left out."""
        found = []
        for path in self.folder.glob(f"*{_ENDING}"):
            try:
                found.append((path.stat().st_mtime_ns, path))
            except FileNotFoundError:
                continue
        return [path for _, path in sorted(found, reverse=True)]

    def remove(self, name: str) -> None:
        """Remove an instance by its file's name, as :meth:`instances` gives it."""
        path = self.folder / name
        if path.parent != self.folder or path.suffix != _ENDING:
            raise ValueError("This is no instance of the inbox.")
        path.unlink(missing_ok=True)
        self._settle()

    def purge(self, days: int) -> int:
        """Remove what was received more than ``days`` days ago; how many that were."""
        oldest = time.time() - days * _DAY_S
        old = [path for path in self.instances() if path.stat().st_mtime < oldest]
        for path in old:
            self.remove(path.name)
        return len(old)

    def sweep(self) -> None:
        """Remove what a node that was killed left half-written; for the node's start alone."""
        for path in self.folder.glob(f"{_HALF}*"):
            path.unlink(missing_ok=True)

    def _compared(self, target: Path, content: bytes) -> Kept:
        self._settle()  # whoever was first may not have come to it yet
        return Kept.SAME if target.read_bytes() == content else Kept.DIFFERENT

    def _settle(self) -> None:
        """Bring the folder's names to the disk."""
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def file_name(instance_uid: str) -> str:
    """The name of an instance's file: a digest, from which the UID cannot be read."""
    return hashlib.sha256(instance_uid.encode()).hexdigest()[:40] + _ENDING


def _write(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _no_room() -> str:
    return "The disk has no room for another image; remove some from the inbox."
