"""The list of a study's images: path, label, subject, and what else is known of each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

REQUIRED = ("path", "label", "subject_id")
LABELS = {"normal": 0, "ventriculomegaly": 1, "vm": 1, "0": 0, "1": 1}


class ManifestError(ValueError):
    """A manifest that cannot be used; the message says which row or column and why."""


def read_manifest(path: Path) -> pd.DataFrame:
    """Read and check a manifest (CSV: path, label, subject_id, and any further columns).

    Raises:
        ManifestError: not a CSV, a column missing, a value missing, an unknown label, or a path
            that is listed twice.
    """
    try:
        table = pd.read_csv(path, dtype={"path": str, "subject_id": str, "label": str})
    except (OSError, ValueError, pd.errors.ParserError) as error:
        raise ManifestError(f"The manifest {path.name} cannot be read as CSV.") from error
    check_manifest(table)
    return table


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
