"""Walk whole trees of files, however many and whatever they hold, in an order that is always the same."""

from __future__ import annotations

import errno
import os
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from vmcore.data.containment import NOT_ALLOWED, is_allowed, stays_inside
from vmcore.data.corpus.card import CorpusError

EMPTY = "The file is empty."
HIDDEN = "The file or folder is hidden."
LEADS_OUT = "It is a link that leads out of the source's folder."
NOT_PLAIN = "It is no plain file, or cannot be looked at."
CLOSED = "The folder may not be read."
_FORBIDDEN = {errno.EACCES, errno.EPERM}
_ITS_OWN = _FORBIDDEN | {errno.ENOENT, errno.ELOOP, errno.ENAMETOOLONG, errno.ENOTDIR}


@dataclass(frozen=True, slots=True)
class CorpusSource:
    """A folder of images.

    Attributes:
        folder: it is searched with all below it.
        name: what the corpus calls it; "source 1" and so on without one, since folders may name people.
        overlaps: public test sets that hold images of it.
    """

    folder: Path
    name: str = ""
    overlaps: tuple[str, ...] = ()


class FoundFile(NamedTuple):
    """A file that may hold images: its source's number, its path below that, size and time."""

    source: int
    path: str
    size: int
    modified_ns: int


class Found(NamedTuple):
    """All files of all sources, and how many were left out unopened, by reason."""

    files: list[FoundFile]
    skipped: Counter[str]


def find_files(sources: Sequence[CorpusSource]) -> Found:
    """List what may hold images; nothing is opened.

    Hidden files and empty ones are counted alone. Links are followed as
    :func:`vmcore.data.containment.stays_inside` allows; no folder is listed twice. A folder below a
    source's that may not be read is counted.

    Raises:
        CorpusError: a source is no folder or may not be read, or its disk or share failed.
    """
    files: list[FoundFile] = []
    skipped: Counter[str] = Counter()
    for number, source in enumerate(sources):
        if not is_allowed(source.folder):  # before anything is said of what is there
            raise CorpusError(NOT_ALLOWED)
        if not source.folder.is_dir():
            raise CorpusError(f"Source {number + 1} is no folder.")
        try:
            files.extend(_below(source.folder, number, skipped))
        except OSError as error:
            raise CorpusError(
                f"A folder of source {number + 1} cannot be read ({error.strerror})."
            ) from None
    return Found(files, skipped)


def _below(root: Path, source: int, skipped: Counter[str]) -> Iterator[FoundFile]:
    seen = set()
    waiting = [""]
    while waiting:
        below = waiting.pop()
        try:
            status, entries = _looked_into(os.path.join(root, below))  # noqa: PTH118  a million times
        except OSError as error:
            if not below or error.errno not in _FORBIDDEN:
                raise
            skipped[CLOSED] += 1
            continue
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        folders: list[str] = []
        files: list[FoundFile] = []
        for entry in entries:
            if entry.name.startswith("."):
                skipped[HIDDEN] += 1
            elif entry.is_symlink() and not stays_inside(Path(entry.path), root):
                skipped[LEADS_OUT] += 1
            else:
                _sort_in(entry, below, source, folders, files, skipped)
        yield from sorted(files, key=lambda file: os.fsencode(file.path))
        waiting += sorted(folders, key=os.fsencode, reverse=True)


def _looked_into(place: str) -> tuple[os.stat_result, list[os.DirEntry[str]]]:
    with os.scandir(place) as entries:
        return os.stat(place), list(entries)  # noqa: PTH116


def _sort_in(
    entry: os.DirEntry[str],
    below: str,
    source: int,
    folders: list[str],
    files: list[FoundFile],
    skipped: Counter[str],
) -> None:
    """Put an entry where it belongs.

    Raises:
        OSError: the disk or the share failed, which says nothing of this entry.
    """
    try:
        status = entry.stat()
    except OSError as error:
        if error.errno not in _ITS_OWN:
            raise
        skipped[NOT_PLAIN] += 1
        return
    if stat.S_ISDIR(status.st_mode):
        folders.append(below + entry.name + "/")
    elif not stat.S_ISREG(status.st_mode):
        skipped[NOT_PLAIN] += 1
    elif not status.st_size:
        skipped[EMPTY] += 1
    else:
        files.append(FoundFile(source, below + entry.name, status.st_size, status.st_mtime_ns))
