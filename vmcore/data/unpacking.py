"""Unpack a study that came as a zip: its scans and its manifest, and nothing else, to a folder.

What encloses everything falls away, so that the folder itself holds manifest.csv or class folders. Names of
files stay as in any study's folder; no error quotes one.
"""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

import pandas as pd

from vmcore.data.manifest import LABELS, REQUIRED, ManifestError
from vmcore.files import write_atomically
from vmcore.imaging import ScanError
from vmcore.imaging.archives import (
    ArchiveError,
    ArchiveLimits,
    head_of,
    is_archive,
    leads_outside,
    open_archive,
    read_entry,
)
from vmcore.imaging.kinds import HEAD_BYTES, looks_like_scan
from vmcore.imaging.litter import litter_by_name

STUDY_ARCHIVE = ArchiveLimits(files=20_000)
_MANIFEST = "manifest.csv"
_Entry = tuple[int, PurePosixPath, zipfile.ZipInfo]
_SAME_NAME = "The archive holds two files of one name, or a file that is called like a folder."


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What an archive held.

    Attributes:
        scans: how many files that may be scans were unpacked.
        left_out: how many other files were not; archives within it among them.
    """

    scans: int
    left_out: int


def unpack_study(
    stream: IO[bytes],
    folder: Path,
    limits: ArchiveLimits = STUDY_ARCHIVE,
    progress: Callable[[int, int], None] | None = None,
) -> Unpacked:
    """Unpack an archive's scans and its manifest to a new folder.

    A manifest is a CSV file beside or above the images, the only one there unless one is called
    manifest.csv, which it is called afterwards; beside class folders a table without a manifest's columns is
    none. What is left out does not keep enclosing folders: hidden files, what systems leave behind and what is no scan by
    its first bytes.

    Args:
        stream: the whole archive, which can be sought in.
        folder: is made; where something goes wrong it is removed again.
        limits: the most that the archive may hold.
        progress: called with (done, total).

    Raises:
        ManifestError: the archive is damaged, protected, made to harm, too large, or holds no scan; with
            one sentence that names no file.
    """
    try:
        archive, entries = open_archive(stream, limits)
    except ArchiveError as error:
        raise ManifestError(str(error)) from None
    if any(leads_outside(entry.filename) for entry in entries):
        raise ManifestError(
            "The archive is made to write outside of the folder that it is unpacked to; it is refused."
        )
    _refuse_without_room(folder, sum(entry.file_size for entry in entries))
    chosen = _without_enclosing(
        [
            (number, path, entry)
            for number, path, entry in _visible(entries)
            if path.suffix.lower() == ".csv" or _may_be_scan(archive, entry)
        ]
    )
    manifest = _manifest_of(archive, chosen, limits)
    folder.mkdir(parents=True, mode=0o700)
    try:
        scans = 0
        for done, (number, path, entry) in enumerate(chosen, start=1):
            target = PurePosixPath(_MANIFEST) if entry is manifest else path
            if entry is manifest or path.suffix.lower() != ".csv":
                _write(folder / target, archive, entry, number, limits)
                scans += entry is not manifest
            if progress:
                progress(done, len(chosen))
        if not scans:
            raise ManifestError("The archive holds no scan.")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Unpacked(scans, len(entries) - scans - (manifest is not None))


def _visible(entries: list[zipfile.ZipInfo]) -> list[_Entry]:
    """Files with their number in the archive and their path; hidden ones and systems' own left out."""
    found = []
    for number, entry in enumerate(entries, start=1):
        path = PurePosixPath(*PureWindowsPath(entry.filename).parts)  # slashes of either kind
        hidden = any(part.startswith(".") for part in path.parts)
        if path.parts and not hidden and litter_by_name(entry.filename) != "system files":
            found.append((number, path, entry))
    if len({path for _, path, _ in found}) < len(found):
        raise ManifestError(_SAME_NAME)
    return found


def _without_enclosing(entries: list[_Entry]) -> list[_Entry]:
    """The same without the folders that hold all of them, unless one is a class."""
    while (
        entries
        and all(len(path.parts) > 1 for _, path, _ in entries)
        and len(tops := {path.parts[0] for _, path, _ in entries}) == 1
        and not {top.strip().lower() for top in tops} & set(LABELS)
    ):
        entries = [(n, PurePosixPath(*path.parts[1:]), entry) for n, path, entry in entries]
    return entries


def _manifest_of(
    archive: zipfile.ZipFile, entries: list[_Entry], limits: ArchiveLimits
) -> zipfile.ZipInfo | None:
    """The table that lists the images; beside class folders only one that has a manifest's columns."""
    tables = {
        path.name.lower(): entry
        for _, path, entry in entries
        if len(path.parts) == 1 and path.suffix.lower() == ".csv"
    }
    if any(
        len(path.parts) > 1 and path.parts[0].strip().lower() in LABELS for _, path, _ in entries
    ):
        tables = {
            name: entry
            for name, entry in tables.items()
            if name == _MANIFEST or _has_columns(archive, entry, limits)
        }
    if _MANIFEST in tables:
        return tables[_MANIFEST]
    if len(tables) > 1:
        raise ManifestError(
            f"The archive holds {len(tables)} CSV files, none of them called manifest.csv; call the one "
            "that lists the images so."
        )
    return next(iter(tables.values()), None)


def _has_columns(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limits: ArchiveLimits) -> bool:
    try:
        table = pd.read_csv(io.BytesIO(read_entry(archive, entry, limits)), nrows=0)
    except (ScanError, ValueError):
        return False
    return set(REQUIRED) <= set(table.columns)


def _may_be_scan(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bool:
    """By its first bytes; one that cannot be read may be one, and reading it will say why."""
    head = head_of(archive, entry, HEAD_BYTES)
    return head is None or (looks_like_scan(head) and not is_archive(head))


def _write(
    target: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, number: int, limits: ArchiveLimits
) -> None:  # fmt: skip
    try:
        write_atomically(target, read_entry(archive, entry, limits))
    except ScanError as error:
        raise ManifestError(f"File {number} of the archive: {error}") from None
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        raise ManifestError(_SAME_NAME) from None
    except (OSError, ValueError) as error:  # its own words would quote the name
        why = getattr(error, "strerror", None) or "its name cannot be used"
        raise ManifestError(f"File {number} of the archive cannot be written ({why}).") from None


def _refuse_without_room(folder: Path, claimed: int) -> None:
    place = next(up for up in folder.parents if up.is_dir())
    if claimed > shutil.disk_usage(place).free:
        raise ManifestError(
            f"The store's disk has no room for the archive's {claimed / 1e9:.1f} GB; free some first."
        )
