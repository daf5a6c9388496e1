"""De-identify DICOM files for research: ``python -m train.deidentify SOURCE OUT --collection NAME``.

Writes a study's folder that ``python -m train.prepare`` reads, by DICOM PS3.15's Basic Profile with the
Clean Pixel Data Option. The key of the collection's numbers stays in the store.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import tyro
from tqdm import tqdm

from vmcore import RESEARCH_USE_ONLY
from vmcore.clinic import (
    CollectionError,
    CollectionFile,
    DeidentifyOptions,
    collection_pseudonyms,
    export_collection,
)
from vmcore.data import ManifestError, find_manifest, subjects_known
from vmcore.file_modes import keep_private
from vmcore.imaging.kinds import HEAD_BYTES, looks_like_scan
from vmcore.settings import settings


@dataclass(frozen=True)
class DeidentifyArguments:
    """What to de-identify."""

    source: tyro.conf.Positional[Path]
    """A manifest (CSV), a folder with manifest.csv, a folder of class folders, or any folder of scans,
    which then have no label."""
    out: tyro.conf.Positional[Path]
    """Folder for the collection: new, empty, or the same collection once more."""
    collection: str
    """The collection's name: letters, digits, - and _. Its key is kept in the store under this name."""
    place: str = ""
    """A name of the site that the scans come from, which may be told."""
    retain_device: bool = False
    """Keep the device's serial number and station name (Retain Device Identity Option)."""
    shift_dates: bool = False
    """Keep dates, moved by a number of each patient's own, in place of none."""
    leave_out: tuple[str, ...] = ()
    """Labels of the manifest that belong to neither class."""


def main(arguments: DeidentifyArguments) -> None:
    """De-identify, and say what was refused: by the file's number in the manifest, or by name's order."""
    with tqdm(unit="file") as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        try:
            report = export_collection(
                _files(arguments),
                arguments.out,
                collection_pseudonyms(arguments.collection),
                DeidentifyOptions(
                    retain_device=arguments.retain_device, shift_dates=arguments.shift_dates
                ),
                limits=settings().read_limits(),
                progress=progress,
            )
        except (CollectionError, ManifestError) as error:
            sys.exit(str(error))
    for number, why in report.refused:
        sys.stdout.write(f"Left out, file {number}: {why}\n")
    sys.stdout.write(
        f"{report.exported} files de-identified, {len(report.refused)} left out; the collection in "
        f"{report.folder} lists {report.listed}.\n"
    )
    if report.undecided:
        sys.stdout.write(f"{report.undecided} have no label; undecided.csv lists them.\n")
    sys.stdout.write(
        "Look at the pictures before they leave: very faint or small text can stay in one.\n"
        f"{RESEARCH_USE_ONLY}\n"
    )


def _files(arguments: DeidentifyArguments) -> list[CollectionFile]:
    try:
        found = find_manifest(arguments.source, leave_out=arguments.leave_out)
    except ManifestError:
        scans = _scans(arguments.source)
        if not scans:
            raise
        return [CollectionFile(path, place=arguments.place) for path in scans]
    known = subjects_known(found.table)
    rows = zip(
        found.table["path"], found.table["label"], found.table["subject_id"], known, strict=True
    )
    return [
        CollectionFile(
            found.root / path, label, str(subject) if is_known else None, arguments.place
        )
        for path, label, subject, is_known in rows
    ]


def _scans(folder: Path) -> list[Path]:
    """Scans anywhere in a folder without a manifest and without class folders, by their content."""
    if not folder.is_dir() or (folder / "manifest.csv").exists():
        return []
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return [path for path in files if _may_be_scan(path)]


def _may_be_scan(path: Path) -> bool:
    with path.open("rb") as file:
        return looks_like_scan(file.read(HEAD_BYTES))


if __name__ == "__main__":
    keep_private()
    main(tyro.cli(DeidentifyArguments))
