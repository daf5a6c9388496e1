"""Tell a file that its disk can read no more from a disk that is gone."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

BAD_PLACE = {errno.EIO, errno.EBADMSG, errno.EUCLEAN}
"""What is told of a file with a damaged place on its disk, and of all files where the disk is gone."""
_TRIED = 8


def others_are_read(root: Path, but: Path) -> bool:
    """Whether a disk still gives another file of a folder, so that the trouble is this file's own."""
    tried = 0
    for place, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            other = Path(place, name)
            if other == but:
                continue
            try:
                if not _holds_bytes(other):
                    continue
                if _is_read(other):
                    return True
            except OSError:
                pass
            tried += 1
            if tried == _TRIED:
                return False
    return False


def _holds_bytes(file: Path) -> bool:
    status = file.lstat()
    return stat.S_ISREG(status.st_mode) and status.st_size > 0


def _is_read(file: Path) -> bool:
    with file.open("rb", buffering=0) as stream:
        # what lies in memory would be given by a disk that is gone too
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return bool(stream.read(1))
