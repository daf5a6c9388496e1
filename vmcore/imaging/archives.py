"""Zip archives from strangers: what is refused before any of it is unpacked, and how one file is.

Bombs, sizes that lie, paths that lead outside, passwords and damage get a sentence. No name of a file is
quoted: it may identify a person.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PureWindowsPath
from typing import IO

from vmcore.imaging.scan import ScanError

_ARCHIVE = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_ENCRYPTED = 1  # general purpose bit flag, APPNOTE 4.4.4
_DAMAGED = "The archive is damaged: {}. Export it anew."
_BOMB = (
    "The archive would unpack to far more than it is, as archives do that are made to fill a machine; "
    "it is refused."
)


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """The most that one archive may hold.

    ``files`` counts its entries, ``unpacked_bytes`` what they claim together, ``file_bytes`` one of them;
    ``ratio`` is what it may unpack to, as a multiple of its own size.
    """

    files: int = 5_000
    unpacked_bytes: int = 4 * 2**30
    file_bytes: int = 256 * 2**20
    ratio: float = 200.0


class ArchiveError(ScanError):
    """A whole archive that is refused, with one sentence that says why."""


def is_archive(head: bytes) -> bool:
    """Whether a file is a zip archive by its first four bytes."""
    return head.startswith(_ARCHIVE)


def open_archive(
    stream: IO[bytes], limits: ArchiveLimits
) -> tuple[zipfile.ZipFile, list[zipfile.ZipInfo]]:
    """Open an archive and look at what it claims; nothing of it is unpacked.

    Args:
        stream: the whole archive, which can be sought in.
        limits: the most that it may hold.

    Returns:
        the archive, and its files in their order, without folders.

    Raises:
        ArchiveError: it is damaged, asks for a password, or claims too much.
    """
    size = stream.seek(0, 2)
    try:
        archive = zipfile.ZipFile(stream)
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError):
        raise ArchiveError(_DAMAGED.format("its list of files cannot be read")) from None
    refusal = _refusal(entries, size, limits)
    if refusal is not None:
        raise ArchiveError(refusal)
    return archive, entries


def _refusal(entries: list[zipfile.ZipInfo], size: int, limits: ArchiveLimits) -> str | None:
    """Why a whole archive is refused, by what it claims."""
    if any(entry.flag_bits & _ENCRYPTED for entry in entries):
        return "The archive asks for a password; unpack it and add the scans themselves."
    if len(entries) > limits.files:
        return (
            f"The archive holds {len(entries):,} files, more than the limit of {limits.files:,}; add a "
            "part of it."
        )
    claimed = sum(entry.file_size for entry in entries)
    if claimed > limits.ratio * size:
        return _BOMB
    if claimed > limits.unpacked_bytes:
        return (
            f"The archive holds {claimed / 1e9:.1f} GB unpacked, more than the limit of "
            f"{limits.unpacked_bytes / 1e9:.1f} GB; add a part of it."
        )
    return None


def leads_outside(name: str) -> bool:
    """Whether an entry would lie outside of the folder that it is unpacked to; slashes of either kind."""
    path = PureWindowsPath(name)
    return bool(path.anchor) or ".." in path.parts


def head_of(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, length: int) -> bytes | None:
    """An entry's first bytes; None where it is damaged, which :func:`read_entry` says."""
    try:
        with archive.open(entry) as stream:
            return stream.read(length)
    except Exception:  # as many ways to fail as there are ways to pack
        return None


def read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limits: ArchiveLimits) -> bytes:
    """A file of an archive, never more than it claims.

    Raises:
        ScanError: it is damaged, larger than it claims or than the limit, or packed in an unusual way.
    """
    most = min(entry.file_size, limits.file_bytes)
    with _saying_what_is_wrong(), archive.open(entry) as stream:
        data = stream.read(most + 1)
    if len(data) > most:
        raise ScanError(
            f"This file in the archive is larger than it claims, or than the limit of "
            f"{limits.file_bytes / 1e6:.0f} MB."
        )
    return data


@contextmanager
def _saying_what_is_wrong() -> Iterator[None]:
    try:
        yield
    except NotImplementedError:
        raise ScanError(
            "The archive is packed in a way that is not read here; pack it as an ordinary zip."
        ) from None
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError):
        raise ScanError(_DAMAGED.format("this file in it cannot be unpacked")) from None
