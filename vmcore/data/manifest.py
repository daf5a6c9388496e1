"""The list of a study's images: path, label, subject, and what else is known of each."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

REQUIRED = ("path", "label", "subject_id")
_SUFFIXES = {".dcm", ".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ""}
LABELS = {"normal": 0, "ventriculomegaly": 1, "vm": 1, "0": 0, "1": 1}


class ManifestError(ValueError):
    """A manifest that cannot be used; the message says which row or column and why."""


def read_manifest(path: Path, *, leave_out: Sequence[str] = ()) -> pd.DataFrame:
    """Read and check a manifest (CSV: path, label, subject_id, and any further columns).

    Rows whose label is in ``leave_out`` are dropped.

    Raises:
        ManifestError: not a CSV, a column missing, a value missing, an unknown label, or a path
            that is listed twice.
    """
    try:
        table = pd.read_csv(path, dtype={"path": str, "subject_id": str, "label": str})
    except (OSError, ValueError, pd.errors.ParserError) as error:
        raise ManifestError(f"The manifest {path.name} cannot be read as CSV.") from error
    if leave_out and "label" in table.columns:
        table = table[~table["label"].isin(leave_out)].reset_index(drop=True)
    check_manifest(table)
    return table


def manifest_from_folders(root: Path) -> pd.DataFrame:
    """List a folder whose subfolders are the classes (normal, and ventriculomegaly or VM).

    A class folder's own subfolders are its subjects; an image that lies directly in the class
    folder counts as a subject of its own.

    Raises:
        ManifestError: no such folder, or no image in a class folder.
    """
    if not root.is_dir():
        raise ManifestError(f"There is no folder {root}.")
    rows = []
    for group in sorted(path for path in root.iterdir() if path.is_dir()):
        if group.name.strip().lower() not in LABELS:
            continue
        for file in sorted(group.rglob("*")):
            if not file.is_file() or file.suffix.lower() not in _SUFFIXES:
                continue
            inside = file.relative_to(group)
            subject = inside.parts[0] if len(inside.parts) > 1 else inside.stem
            rows.append((file.relative_to(root).as_posix(), group.name, f"{group.name}/{subject}"))
    if not rows:
        raise ManifestError(
            f"{root.name} holds no images in folders called normal and ventriculomegaly (or VM)."
        )
    return pd.DataFrame(rows, columns=list(REQUIRED))


def find_manifest(source: Path, *, leave_out: Sequence[str] = ()) -> tuple[pd.DataFrame, Path]:
    """The manifest of a CSV file, of a folder's manifest.csv, or of class folders; and its root.

    Raises:
        ManifestError: as :func:`read_manifest`; or images that are listed but not there.
    """
    if source.is_file():
        table, root = read_manifest(source, leave_out=leave_out), source.parent
    elif (source / "manifest.csv").is_file():
        table, root = read_manifest(source / "manifest.csv", leave_out=leave_out), source
    else:
        return manifest_from_folders(source), source
    gone = [path for path in table["path"] if not (root / path).is_file()]
    if gone:
        raise ManifestError(
            f"{len(gone)} of {len(table)} listed images are not there; the first is on line "
            f"{int(np.flatnonzero(table['path'] == gone[0])[0]) + 2} of the manifest."
        )
    outside = [
        path for path in table["path"] if ".." in Path(path).parts or Path(path).is_absolute()
    ]
    if outside:
        raise ManifestError("Paths in a manifest must be relative to it and stay below it.")
    return table, root


def check_manifest(table: pd.DataFrame, *, required: Sequence[str] = REQUIRED) -> None:
    """Raise :class:`ManifestError` for a table that is not a manifest."""
    missing = [column for column in required if column not in table.columns]
    if missing:
        raise ManifestError(f"The manifest lacks the column {', '.join(missing)}.")
    if table.empty:
        raise ManifestError("The manifest lists no image.")
    for column in required:
        empty = table[column].isna()
        if empty.any():
            row = int(np.flatnonzero(empty)[0]) + 2
            raise ManifestError(f"The manifest's line {row} has no {column}.")
    label_numbers(table)
    if "path" in required and table["path"].duplicated().any():
        raise ManifestError("The manifest lists an image twice.")


def pseudonyms(table: pd.DataFrame) -> pd.DataFrame:
    """Numbers for a manifest's images and subjects, whose own names may identify a person.

    Returns:
        columns image (its row, from 1) and subject ("s1", "s2" and so on, in order of appearance).
    """
    codes, _ = pd.factorize(table["subject_id"].astype(str))
    return pd.DataFrame(
        {"image": np.arange(1, len(table) + 1), "subject": [f"s{code + 1}" for code in codes]},
        index=table.index,
    )


def fingerprint(table: pd.DataFrame) -> str:
    """A digest of a manifest's images, subjects and labels, which shows whether it has changed."""
    text = table[["path", "subject_id", "label"]].astype(str).to_csv(index=False)
    return hashlib.sha256(text.encode()).hexdigest()


def label_numbers(table: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Labels as 0 (normal) and 1 (ventriculomegaly).

    Raises:
        ManifestError: a label is neither normal nor ventriculomegaly.
    """
    words = table["label"].astype(str).str.strip().str.lower()
    numbers = words.map(LABELS)
    if numbers.isna().any():
        unknown = words[numbers.isna()].iloc[0]
        raise ManifestError(f"The label {unknown!r} is neither normal nor ventriculomegaly.")
    return np.asarray(numbers, np.int64)
