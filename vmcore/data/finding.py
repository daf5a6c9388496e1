"""Find a study's manifest: a CSV file, or made from class folders by what their files contain."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from vmcore.data.containment import NOT_ALLOWED, is_allowed, refuse_what_leads_out, stays_inside
from vmcore.data.manifest import (
    LABELS,
    REQUIRED,
    ManifestError,
    check_manifest,
    line_of,
    read_by_line,
    spelt_alike,
)
from vmcore.imaging.kinds import HEAD_BYTES, looks_like_scan


@dataclass(frozen=True, slots=True)
class FoundManifest:
    """A manifest and what was left out of it.

    Attributes:
        table: a row an image.
        root: the folder that its paths are relative to.
        no_scans: how many files of class folders are no scans by their content.
        beside: how many folders and scans lie beside the class folders and so have no label.
        respelt: how many subjects are spelt in several ways.
    """

    table: pd.DataFrame
    root: Path
    no_scans: int = 0
    beside: int = 0
    respelt: int = 0


def find_manifest(source: Path, *, leave_out: Sequence[str] = ()) -> FoundManifest:
    """The manifest of a CSV file, of a folder's manifest.csv, or of class folders.

    Raises:
        ManifestError: as :func:`read_manifest`; images that are listed but not there or not below the
            manifest; no scan in a class folder; a folder that may not be read.
    """
    try:
        return _found(source, leave_out)
    except OSError as error:
        raise ManifestError(f"The folder cannot be read ({error.strerror}).") from error


def _found(source: Path, leave_out: Sequence[str]) -> FoundManifest:
    if not is_allowed(source):  # before anything is said of what is there
        raise ManifestError(NOT_ALLOWED)
    root = study_root(source)
    file = source if source.is_file() else source / "manifest.csv"
    if not file.is_file():
        return _class_folders(root)
    if not stays_inside(file, root):
        raise ManifestError("The manifest is a link that leads out of its folder.")
    table = read_by_line(file, leave_out=leave_out)
    paths = table["path"].map(Path)
    if paths.map(lambda path: ".." in path.parts or path.is_absolute()).any():
        raise ManifestError("Paths in a manifest must be relative to it and stay below it.")
    refuse_what_leads_out(table["path"].tolist(), root)
    gone = ~paths.map(lambda path: (root / path).is_file())
    if gone.any():
        raise ManifestError(
            f"{int(gone.sum())} of {len(table)} listed images are not there; the first is on line "
            f"{line_of(gone)} of the manifest."
        )
    told = pd.read_csv(file, dtype=str, usecols=["subject_id"])["subject_id"].dropna()
    return FoundManifest(table.reset_index(drop=True), root, respelt=_respelt(told))


def _respelt(subjects: pd.Series) -> int:
    """How many of them stand there in several spellings."""
    pairs = pd.DataFrame({"told": subjects, "subject": spelt_alike(subjects)}).drop_duplicates()
    return int(pairs.loc[pairs.duplicated("subject"), "subject"].nunique())


def study_root(source: Path) -> Path:
    """The folder that a manifest's paths are relative to: its own, or the class folders'."""
    return source.parent if source.is_file() else source


def manifest_from_folders(root: Path) -> pd.DataFrame:
    """List a folder whose subfolders are the classes (normal, and ventriculomegaly or VM).

    A class folder's own subfolders are subjects, by their names: one that stands in both classes is
    one subject. A scan directly in a class folder names no subject (``subject_known`` is false) and
    counts as one of its own. What a file is, its content decides; hidden files are ignored.

    Raises:
        ManifestError: no such folder, no scan in a class folder, or names that cannot be told apart.
    """
    return _class_folders(root).table


def _class_folders(root: Path) -> FoundManifest:
    if not root.is_dir():
        raise ManifestError(f"There is no folder {root}.")
    rows: list[tuple[str, str, str, bool]] = []
    no_scans = beside = 0
    for entry in sorted(path for path in root.iterdir() if not path.name.startswith(".")):
        if not entry.is_dir() or entry.name.strip().lower() not in LABELS:
            beside += entry.is_dir() or _may_be_scan(entry)
            continue
        if not stays_inside(entry, root):
            raise ManifestError("A class folder is a link that leads out of the study's folder.")
        if {LABELS.get(one.name.strip().lower()) for one in entry.iterdir() if one.is_dir()} == {
            0,
            1,
        }:
            raise ManifestError(
                "A class folder holds folders for both classes itself; give the folder that holds these two."
            )
        for file in _files_below(entry, root):
            if not stays_inside(file, root) or _may_be_scan(file):
                path = file.relative_to(root).as_posix()
                inside = file.relative_to(entry).parts
                known = len(inside) > 1
                rows.append((path, entry.name, inside[0] if known else path, known))
            else:
                no_scans += 1
    if not rows:
        raise ManifestError(
            f"{root.name} holds no scans in folders called normal and ventriculomegaly (or VM)."
        )
    refuse_what_leads_out([row[0] for row in rows], root)
    table = pd.DataFrame(rows, columns=[*REQUIRED, "subject_known"])
    respelt = _respelt(table["subject_id"])
    table = table.assign(subject_id=spelt_alike(table["subject_id"]))
    check_manifest(table)
    return FoundManifest(table, root, no_scans, beside, respelt)


def _files_below(folder: Path, root: Path) -> Iterator[Path]:
    """Files below a folder in order, through linked folders too (where they lead is checked then); hidden ones are left out."""

    def refuse(error: OSError) -> None:
        raise ManifestError(
            f"A folder in a class folder cannot be opened ({error.strerror})."
        ) from error

    for name, folders, files in os.walk(folder, followlinks=True, onerror=refuse):
        place = Path(name)
        if place.is_symlink() and place.resolve() in {up.resolve() for up in place.parents}:
            folders.clear()  # a link to a folder that it lies in
            continue
        inside = sorted(one for one in folders if not one.startswith("."))
        folders[:] = [one for one in inside if stays_inside(place / one, root)]
        yield from (place / one for one in inside if one not in folders)  # refused by its name
        yield from (place / one for one in sorted(files) if not one.startswith("."))


def _may_be_scan(file: Path) -> bool:
    """By a file's first bytes; one that cannot be opened may be one, and reading it will say why."""
    if file.exists() and not file.is_file():
        return False  # a pipe or a device
    try:
        with file.open("rb") as stream:
            return looks_like_scan(stream.read(HEAD_BYTES))
    except OSError:
        return True
