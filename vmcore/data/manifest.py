"""The list of a study's images: path, label, subject, and what else is known of each."""

from __future__ import annotations

import csv
import hashlib
import unicodedata
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt
import pandas as pd

REQUIRED = ("path", "label", "subject_id")
LABELS = {"normal": 0, "ventriculomegaly": 1, "vm": 1, "0": 0, "1": 1}
BESIDE_IMAGE = (".png", ".png.json")
"""What is added to an image's whole name for what is prepared from it."""
_LONGEST_NAME = 200  # bytes; file systems take 255, and something is added to it
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class ManifestError(ValueError):
    """A manifest that cannot be used; the message says which row or column and why."""


def read_manifest(path: Path, *, leave_out: Sequence[str] = ()) -> pd.DataFrame:
    """Read and check a manifest (CSV: path, label, subject_id, and any further columns).

    Rows whose label is in ``leave_out`` are dropped. Paths are normalised: ``./a//x.png`` is
    ``a/x.png``. Subjects are spelt in one way (:func:`spelt_alike`).

    Raises:
        ManifestError: not a CSV, a column missing, a value missing, an unknown label, or paths that
            cannot be told apart (:func:`check_paths`).
    """
    return read_by_line(path, leave_out=leave_out).reset_index(drop=True)


def read_by_line(path: Path, *, leave_out: Sequence[str] = ()) -> pd.DataFrame:
    """As :func:`read_manifest`, with an index that counts the file's lines: 0 is line 2."""
    try:
        table = pd.read_csv(path, dtype={"path": str, "subject_id": str, "label": str})
        lines = _lines(path)
    except (OSError, ValueError, csv.Error, pd.errors.ParserError) as error:
        raise ManifestError(f"The manifest {path.name} cannot be read as CSV.") from error
    if len(lines) == len(table):
        table.index = pd.Index(lines)
    if leave_out and "label" in table.columns:
        table = table[~table["label"].isin(leave_out)]
    if "subject_id" in table.columns:
        table = table.assign(subject_id=spelt_alike(table["subject_id"]))
    check_manifest(table)
    changed = {"path": normalised(table["path"])}
    if "subject_known" in table.columns:
        changed["subject_known"] = pd.Series(subjects_known(table), index=table.index)
    return table.assign(**changed)


def _lines(path: Path) -> list[int]:
    """On which lines a CSV file's rows begin, counted from the one below the first: empty ones are no rows."""
    found, begins = [], 1
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream)
        for row in reader:
            if row:
                found.append(begins - 2)
            begins = reader.line_num + 1
    return found[1:]


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
            raise ManifestError(f"The manifest's line {line_of(empty)} has no {column}.")
    label_numbers(table)
    subjects_known(table)
    if "path" in required:
        check_paths(table["path"])


def line_of(wrong: pd.Series) -> int:
    """The line of a CSV file with the first true value; the index counts lines, 0 is line 2."""
    return int(wrong.index[int(np.flatnonzero(wrong)[0])]) + 2


def normalised(paths: pd.Series) -> pd.Series:
    """Paths in their plain form: ``./a//x.png`` is ``a/x.png``."""
    return paths.astype(str).map(lambda path: PurePosixPath(path).as_posix())


def spelt_alike(subjects: pd.Series) -> pd.Series:
    """Subjects under the first spelling of each, so that no fetus stands on two sides of a split.

    Spellings are of one subject where they differ in nothing but spaces, upper and lower case, or in how
    an accent is written. One of nothing but spaces is missing.
    """
    plain = subjects.map(
        lambda told: " ".join(unicodedata.normalize("NFC", str(told)).split()), na_action="ignore"
    ).replace("", None)
    first: dict[str, str] = {}
    return plain.map(lambda told: first.setdefault(told.casefold(), told), na_action="ignore")


def check_paths(paths: pd.Series) -> None:
    """Raise :class:`ManifestError` where images could be taken for each other on some disk.

    Refused are an image that is listed twice, names that differ in nothing but upper and lower case
    (or in how an accent is written), names that are too long, and an image whose prepared file would
    have a folder's name.
    """
    plain = normalised(paths)
    twice = plain.duplicated()
    if twice.any():
        raise ManifestError(f"The manifest lists an image twice, again on line {line_of(twice)}.")
    folded = plain.map(lambda path: unicodedata.normalize("NFC", path).casefold())
    alike = int(folded.duplicated().sum())
    if alike:
        raise ManifestError(
            f"{alike} images have a name that differs from another's only in upper and lower case; "
            "many disks cannot hold both, so rename one of each."
        )
    long = [path for path in plain if len(PurePosixPath(path).name.encode()) > _LONGEST_NAME]
    if long:
        raise ManifestError(
            f"{len(long)} images have a name of more than {_LONGEST_NAME} bytes; shorten it."
        )
    folders = {str(parent) for path in folded for parent in PurePosixPath(path).parents}
    if any(path + added in folders for path in folded for added in BESIDE_IMAGE):
        raise ManifestError(
            "A folder is called like an image with .png added to its name, where the prepared image "
            "is to stand; rename one of them."
        )


def subjects_known(table: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Whether each image's subject is known (column ``subject_known``; true where nothing is said).

    Raises:
        ManifestError: a value that is neither true nor false.
    """
    if "subject_known" not in table.columns:
        return np.ones(len(table), bool)
    said = table["subject_known"]
    words = said.astype(str).str.strip().str.lower().str.removesuffix(".0")
    values = words.map(_TRUTH).where(said.notna(), other=True)
    if values.isna().any():
        raise ManifestError(
            f"The manifest's line {line_of(values.isna())} has a subject_known that is neither true "
            "nor false."
        )
    return values.to_numpy(bool)


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


def numbered(predictions: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Predictions whose images and subjects are numbers: what leaves a study must name nobody.

    Args:
        predictions: with the columns image (a manifest's path) and subject.
        table: the manifest.
    """
    numbers = pseudonyms(table).set_index(table["path"].astype(str))
    images = predictions["image"].astype(str)
    return predictions.assign(
        image=images.map(numbers["image"]), subject=images.map(numbers["subject"])
    )


def fingerprint(table: pd.DataFrame) -> str:
    """A digest of a manifest's images, subjects and labels, which shows whether it has changed."""
    told = table[["path", "subject_id", "label"]].astype(str)
    known = subjects_known(table)
    text = (told if known.all() else told.assign(subject_known=known)).to_csv(index=False)
    return hashlib.sha256(text.encode()).hexdigest()


def label_numbers(table: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Labels as 0 (normal) and 1 (ventriculomegaly).

    Raises:
        ManifestError: a label is neither normal nor ventriculomegaly.
    """
    words = table["label"].astype(str).str.strip().str.lower()
    numbers = words.map(LABELS)
    if numbers.isna().any():
        # what stands there may be a name, where columns were swapped
        raise ManifestError(
            f"The manifest's line {line_of(numbers.isna())} has a label that is neither normal nor "
            "ventriculomegaly."
        )
    return np.asarray(numbers, np.int64)
