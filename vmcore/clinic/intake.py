"""From what somebody drops (files, a folder, archives) to the files that may be scans.

Exports of a hospital hold more than scans: viewers, reports, directories, what systems leave behind.
That is skipped and counted, and never a failure. Nothing is unpacked to a disk, and no name of a file is
kept: it may identify a person.
"""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from vmcore.imaging.archives import (
    ArchiveError,
    ArchiveLimits,
    head_of,
    is_archive,
    leads_outside,
    open_archive,
    read_entry,
)
from vmcore.imaging.litter import Litter, litter_by_content, litter_by_name

_HEAD_BYTES = 1024


@dataclass(frozen=True, slots=True)
class IncomingFile:
    """A file that may be a scan: what it is known by, and how to get its bytes.

    ``content`` raises :class:`~vmcore.imaging.ScanError` where an archive's entry is damaged.
    """

    key: str
    content: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Intake:
    """What came in.

    Attributes:
        files: those that may be scans, in their order.
        skipped: how many were not, by kind.
        refused: a sentence for each archive, or part of one, that was refused.
    """

    files: tuple[IncomingFile, ...]
    skipped: Mapping[Litter, int] = field(default_factory=dict)
    refused: tuple[str, ...] = ()


def take_in(
    key: str, name: str, content: Callable[[], bytes], limits: ArchiveLimits | None = None
) -> Intake:
    """Sort one dropped file: a scan, an archive of scans, or litter.

    A file alone that is no archive and no litter counts as a scan, whatever it is, so that its reader says
    what is wrong with it.

    Args:
        key: what the file is known by; entries of an archive add their number to it.
        name: the file's name, with its folder; looked at and not kept.
        content: gives its bytes.
        limits: the most that an archive may hold.
    """
    kind = litter_by_name(name)
    if kind is not None:
        return Intake((), {kind: 1})
    data = content()
    if is_archive(data):
        return _unpack(key, data, limits or ArchiveLimits())
    kind = litter_by_content(data[:_HEAD_BYTES])
    if kind is not None:
        return Intake((), {kind: 1})
    return Intake((IncomingFile(key, content),))


def _unpack(key: str, data: bytes, limits: ArchiveLimits) -> Intake:
    try:
        archive, entries = open_archive(io.BytesIO(data), limits)
    except ArchiveError as error:
        return Intake((), refused=(str(error),))
    files: list[IncomingFile] = []
    skipped: Counter[Litter] = Counter()
    outside = 0
    for number, entry in enumerate(entries, start=1):
        if leads_outside(entry.filename):
            outside += 1
            continue
        kind = litter_by_name(entry.filename) or _kind_of(archive, entry)
        if kind is not None:
            skipped[kind] += 1
        else:
            content = partial(read_entry, archive, entry, limits)
            files.append(IncomingFile(f"{key}/{number}", content))
    refused = []
    if outside:
        said = "A file" if outside == 1 else f"{outside} files"
        refused.append(f"{said} of the archive would lie outside of it and was left out.")
    return Intake(tuple(files), dict(skipped), tuple(refused))


def _kind_of(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Litter | None:
    """What an entry is by its first bytes; None where it may be a scan, or cannot be read."""
    head = head_of(archive, entry, _HEAD_BYTES)
    if head is None:
        return None
    return "archives within an archive" if is_archive(head) else litter_by_content(head)
