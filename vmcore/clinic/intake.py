"""From what somebody drops (files, a folder, archives) to the files that may be scans.

Exports of a hospital hold more than scans: viewers, reports, directories, what systems leave behind.
That is skipped and counted, and never a failure. Nothing is unpacked to a disk, and no name of a file is
kept: it may identify a person.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PureWindowsPath

from vmcore.clinic.litter import Litter, litter_by_content, litter_by_name
from vmcore.imaging import ScanError

_ARCHIVE = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_HEAD_BYTES = 1024
_ENCRYPTED = 1  # general purpose bit flag, APPNOTE 4.4.4
_DAMAGED = "The archive is damaged: {}. Export it anew."
_BOMB = (
    "The archive would unpack to far more than it is, as archives do that are made to fill a machine; "
    "it is refused."
)


@dataclass(frozen=True, slots=True)
class IntakeLimits:
    """The most that one archive may hold.

    ``files`` counts its entries, ``unpacked_bytes`` what they claim together, ``file_bytes`` one of them;
    ``ratio`` is what it may unpack to, as a multiple of its own size.
    """

    files: int = 5_000
    unpacked_bytes: int = 4 * 2**30
    file_bytes: int = 256 * 2**20
    ratio: float = 200.0


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
    key: str, name: str, content: Callable[[], bytes], limits: IntakeLimits | None = None
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
    if data.startswith(_ARCHIVE):
        return _unpack(key, data, limits or IntakeLimits())
    kind = litter_by_content(data[:_HEAD_BYTES])
    if kind is not None:
        return Intake((), {kind: 1})
    return Intake((IncomingFile(key, content),))


def _unpack(key: str, data: bytes, limits: IntakeLimits) -> Intake:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError):
        return Intake((), refused=(_DAMAGED.format("its list of files cannot be read"),))
    refusal = _refusal(entries, len(data), limits)
    if refusal is not None:
        return Intake((), refused=(refusal,))
    files: list[IncomingFile] = []
    skipped: Counter[Litter] = Counter()
    outside = 0
    for number, entry in enumerate(entries, start=1):
        if _leads_outside(entry.filename):
            outside += 1
            continue
        kind = litter_by_name(entry.filename) or _kind_of(archive, entry)
        if kind is not None:
            skipped[kind] += 1
        else:
            files.append(IncomingFile(f"{key}/{number}", _reader(archive, entry, limits)))
    refused = []
    if outside:
        said = "A file" if outside == 1 else f"{outside} files"
        refused.append(f"{said} of the archive would lie outside of it and was left out.")
    return Intake(tuple(files), dict(skipped), tuple(refused))


def _refusal(entries: list[zipfile.ZipInfo], size: int, limits: IntakeLimits) -> str | None:
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


def _leads_outside(name: str) -> bool:
    path = PureWindowsPath(name)  # takes slashes of either kind
    return bool(path.anchor) or ".." in path.parts


def _kind_of(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Litter | None:
    """What an entry is by its first bytes; None where it may be a scan, or cannot be read."""
    try:
        with archive.open(entry) as stream:
            head = stream.read(_HEAD_BYTES)
    except Exception:  # damaged: its reader says so
        return None
    if head.startswith(_ARCHIVE):
        return "archives within an archive"
    return litter_by_content(head)


def _reader(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limits: IntakeLimits
) -> Callable[[], bytes]:
    def read() -> bytes:
        most = min(entry.file_size, limits.file_bytes)
        try:
            with archive.open(entry) as stream:
                data = stream.read(most + 1)
        except NotImplementedError:
            raise ScanError(
                "The archive is packed in a way that is not read here; pack it as an ordinary zip."
            ) from None
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError):
            raise ScanError(_DAMAGED.format("this file in it cannot be unpacked")) from None
        if len(data) > most:
            raise ScanError(
                f"This file in the archive is larger than it claims, or than the limit of "
                f"{limits.file_bytes / 1e6:.0f} MB."
            )
        return data

    return read
