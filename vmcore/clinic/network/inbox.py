"""What the DICOM node has received: one file an instance, named by no identity, on disk when it is said so.

The files are the index: there is no second record that a crash could leave in disagreement with them.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from enum import Enum
from pathlib import Path

from vmcore.clinic.network.alike import same_image
from vmcore.clinic.network.arriving import HALF, Arriving, remove_left
from vmcore.files import expanded
from vmcore.settings import settings

_ENDING = ".dcm"
_DAY_S = 86_400


class Kept(Enum):
    """What became of an instance that was sent."""

    NEW = "new"
    SAME = "same"
    """It was here already, the same data set (:func:`vmcore.clinic.network.alike.same_image`)."""
    DIFFERENT = "different"
    """Another content has this SOP Instance UID; the first one stays."""


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
        arriving = self.arriving()
        arriving.write(content)
        return self.keep_arrived(instance_uid, arriving)

    def arriving(self, most_bytes: int = sys.maxsize) -> Arriving:
        """A file for what comes of one instance, part after part.

        Args:
            most_bytes: the most that is taken of it.
        """
        return Arriving(self.folder, most_bytes, self._free_bytes)

    def keep_arrived(self, instance_uid: str, arriving: Arriving) -> Kept:
        """Keep what has come whole, so that it outlives a power cut once this has returned.

        Args:
            instance_uid: its SOP Instance UID.
            arriving: the whole DICOM file (:meth:`arriving`); it is over with it, kept or not.

        Raises:
            InboxFullError: the disk has no room; nothing half-written stays.
            TooLargeError: it is larger than what was to be taken.
        """
        target = self.folder / file_name(instance_uid)
        try:
            arriving.settle()
            os.link(arriving.path, target)  # fails where another sender was first
        except FileExistsError:
            self._settle()  # whoever was first may not have come to it yet
            return Kept.SAME if same_image(arriving.path, target) else Kept.DIFFERENT
        finally:
            arriving.discard()
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
        """Remove what somebody who was killed left half-written, and nothing that is still being written."""
        for path in self.folder.glob(f"{HALF}*"):
            remove_left(path)

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
