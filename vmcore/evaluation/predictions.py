"""Predictions as they come from a file: one row an image and a fold, checked, and turned to cases."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from vmcore.data import LABELS

Split = Literal["validation", "test"]
SPLITS: tuple[Split, Split] = ("validation", "test")
_NEEDED = ("image", "label", "probability")
_KNOWN = ("image", "subject", "label", "split", "fold", "probability")


class PredictionsError(ValueError):
    """Predictions that cannot be judged; the message says which line and why, and names nobody."""


@dataclass(frozen=True, slots=True)
class CaseSet:
    """The cases of one split, a row a case.

    Attributes:
        labels: int64 (N,), 0 normal, 1 ventriculomegaly.
        subjects: int64 (N,), numbers from 0 of the subjects, for resampling.
        folds: (F,) numbers of the folds that judged.
        by_fold: float64 (N, F), NaN where a fold did not judge a case.
        probability: float64 (N,), a test case's mean over folds, a validation case's out-of-fold one.
        known: (N rows) image, subject, and what else the file knows of a case.
    """

    labels: npt.NDArray[np.int64]
    subjects: npt.NDArray[np.int64]
    folds: tuple[int, ...]
    by_fold: npt.NDArray[np.float64]
    probability: npt.NDArray[np.float64]
    known: pd.DataFrame

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def subject_count(self) -> int:
        """How many subjects there are."""
        return int(self.subjects.max()) + 1 if len(self) else 0


@dataclass(frozen=True, slots=True)
class Predictions:
    """A checked table of predictions.

    Attributes:
        table: image, subject (text), label (0/1), split, fold, probability, and further columns.
        concerns: what a reader should know, one sentence each.
        subjects_named: whether they name subjects; else every image counts as its own.
    """

    table: pd.DataFrame
    concerns: tuple[str, ...]
    subjects_named: bool = True

    def splits(self) -> tuple[Split, ...]:
        """The splits that have predictions."""
        present = set(self.table["split"].unique())
        return tuple(split for split in SPLITS if split in present)

    def cases(self, split: Split) -> CaseSet:
        """The cases of one split.

        Raises:
            PredictionsError: there are none.
        """
        part = self.table[self.table["split"] == split]
        if part.empty:
            raise PredictionsError(f"There are no {split} predictions.")
        codes, _ = pd.factorize(part["image"])
        fold_numbers = np.unique(part["fold"])
        places = np.searchsorted(fold_numbers, part["fold"])
        by_fold = np.full((codes.max() + 1, len(fold_numbers)), np.nan)
        by_fold[codes, places] = part["probability"]
        known = part.drop(columns=["fold", "probability", "split"]).drop_duplicates("image")
        known = known.reset_index(drop=True)
        subjects, _ = pd.factorize(known["subject"])
        return CaseSet(
            labels=known["label"].to_numpy(np.int64),
            subjects=subjects.astype(np.int64),
            folds=tuple(int(number) for number in fold_numbers),
            by_fold=by_fold,
            probability=np.nanmean(by_fold, axis=1),
            known=known.drop(columns="label"),
        )


def read_predictions(source: Path | bytes | pd.DataFrame) -> Predictions:
    """Read and check predictions, this program's own or made elsewhere.

    Args:
        source: CSV (path or content) or table with the columns image, label and probability; subject,
            fold and split ("validation" or "test") where known. Without a subject every image counts
            as its own; without fold there is one; without split all are test.

    Raises:
        PredictionsError: not a table, a column or fold missing, an unknown label, a probability that
            is no number in [0, 1], a case judged twice, or labels that contradict each other.
    """
    table = source.copy() if isinstance(source, pd.DataFrame) else _read(source)
    missing = [name for name in _NEEDED if name not in table.columns]
    if missing:
        raise PredictionsError(
            f"The predictions lack the column {', '.join(missing)}; image, label and probability are "
            "needed, and subject, fold and split where they are known."
        )
    if table.empty:
        raise PredictionsError("There are no predictions in this file.")
    table["label"] = _labels(table["label"])
    table["probability"] = _probabilities(table["probability"])
    concerns = []
    named = "subject" in table.columns
    if not named:
        table["subject"] = table["image"]
        concerns.append("No subjects are named, so every image counts as a subject of its own.")
    for name in ("image", "subject"):
        _refuse(table[name].isna(), f"has no {name}")
        table[name] = table[name].astype(str)
    table["fold"] = _folds(table)
    table["split"] = _splits(table)
    _check_cases(table)
    return Predictions(table.reset_index(drop=True), (*concerns, *_concerns(table)), named)


def _read(source: Path | bytes) -> pd.DataFrame:
    try:
        stream = io.BytesIO(source) if isinstance(source, bytes) else source
        return pd.read_csv(
            stream, dtype={"image": str, "subject": str}, float_precision="round_trip"
        )
    except FileNotFoundError as error:
        raise PredictionsError("There is no such file of predictions.") from error
    except pd.errors.EmptyDataError as error:
        raise PredictionsError("There are no predictions in this file.") from error
    except (OSError, ValueError, pd.errors.ParserError) as error:
        raise PredictionsError("The predictions cannot be read as CSV.") from error


def _refuse(wrong: pd.Series, words: str) -> None:
    """Raise for the first wrong line; line 1 is the header."""
    rows = np.flatnonzero(wrong.to_numpy())
    if len(rows):
        more = f" (and {len(rows) - 1:,} more)" if len(rows) > 1 else ""
        raise PredictionsError(f"Line {rows[0] + 2:,}{more} {words}.")


def _labels(column: pd.Series) -> pd.Series:
    words = column.astype(str).str.strip().str.lower().str.replace(r"\.0$", "", regex=True)
    numbers = words.map(LABELS)
    _refuse(numbers.isna(), "has a label that is neither normal (0) nor ventriculomegaly (1)")
    return numbers.astype(np.int64)


def _probabilities(column: pd.Series) -> pd.Series:
    values = pd.to_numeric(column, errors="coerce")
    _refuse(values.isna(), "has a probability that is not a number")
    _refuse((values < 0) | (values > 1), "has a probability that does not lie between 0 and 1")
    return values.astype(np.float64)


def _folds(table: pd.DataFrame) -> pd.Series:
    if "fold" not in table.columns:
        return pd.Series(1, index=table.index)
    numbers = pd.to_numeric(table["fold"], errors="coerce")
    _refuse(numbers.isna() | (numbers % 1 != 0), "has no fold number")
    return numbers.astype(np.int64)


def _splits(table: pd.DataFrame) -> pd.Series:
    if "split" not in table.columns:
        return pd.Series("test", index=table.index)
    words = table["split"].astype(str).str.strip().str.lower()
    _refuse(~words.isin(SPLITS), "belongs to a split that is neither validation nor test")
    return words


def _check_cases(table: pd.DataFrame) -> None:
    twice = table.duplicated(["split", "image", "fold"])
    _refuse(twice, "judges an image that the same fold has judged already")
    first = table.groupby("image", sort=False)["label"].transform("first")
    _refuse(table["label"] != first, "gives an image another label than a line before it")
    test = table[table["split"] == "test"]
    folds = test["fold"].nunique()
    judged = test.groupby("image", sort=False)["fold"].transform("size")
    short = judged[judged < folds]
    if len(short):
        images = test.loc[short.index, "image"].nunique()
        raise PredictionsError(
            f"{images:,} test images are not judged by each of the {folds} folds; the first is on "
            f"line {int(short.index[0]) + 2:,}."
        )
    validation = table["split"].eq("validation")
    again = table[validation].duplicated("image").reindex(table.index, fill_value=False)
    _refuse(again, "validates an image that another fold validates too")


def _concerns(table: pd.DataFrame) -> list[str]:
    said = []
    sides = {split: table[table["split"] == split] for split in SPLITS}
    for column, word in (("image", "images"), ("subject", "subjects")):
        both = set(sides["validation"][column]) & set(sides["test"][column])
        if both:
            said.append(
                f"{len(both):,} {word} stand in validation and in test, so the test is not held out."
            )
            break
    validated = sides["validation"]
    pairs = validated[["subject", "fold"]].drop_duplicates()
    several = pairs.loc[pairs.duplicated("subject"), "subject"].nunique()
    if several:
        said.append(
            f"{several:,} subjects are validated in more than one fold, so folds have learnt from "
            "those whom they are validated on."
        )
    for split, part in sides.items():
        for fold, judged in part.groupby("fold"):
            if judged["label"].nunique() < 2:
                said.append(f"Fold {fold}'s {split} images are of one class only.")
    return said


def image_numbers(predictions: Predictions) -> dict[str, int]:
    """A number for every image: the one it has, where all have one, else by order of appearance.

    A run's images have numbers already, by which its study finds them.
    """
    images = [str(image) for image in predictions.table["image"].unique()]
    if all(image.isascii() and image.isdecimal() and str(int(image)) == image for image in images):
        return {image: int(image) for image in images}
    return _in_order(images)


def without_names(predictions: Predictions, *, anew: bool = False) -> pd.DataFrame:
    """The table with numbers in place of image and subject names, which may identify a person.

    Args:
        predictions: checked ones.
        anew: number images even where they are numbers, which may be a patient's.
    """
    table = predictions.table.copy()
    numbers = _in_order(table["image"].unique()) if anew else image_numbers(predictions)
    table["image"] = table["image"].map(numbers)
    table["subject"] = [f"s{code + 1}" for code in pd.factorize(table["subject"])[0]]
    known = [name for name in _KNOWN if name in table.columns]
    return table[known]


def _in_order(images: Iterable[str]) -> dict[str, int]:
    return {image: number for number, image in enumerate(images, start=1)}
