"""Held-out test and cross-validation folds, by subject unless the paper's way is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from vmcore.data.manifest import ManifestError, check_manifest, label_numbers, pseudonyms

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Fold:
    """Row numbers of a fold's training and validation images."""

    train: Rows
    validation: Rows


@dataclass(frozen=True, slots=True)
class Splits:
    """Who is tested, and who validates when.

    Attributes:
        test: row numbers of the held-out test images.
        folds: one :class:`Fold` each; validation parts cover all but the test once.
        seed: what reproduces them.
        by: "subject", or "image" as in the paper (one fetus may then stand on both sides).
    """

    test: Rows
    folds: tuple[Fold, ...]
    seed: int
    by: Literal["subject", "image"] = "subject"

    def table(self, manifest: pd.DataFrame) -> pd.DataFrame:
        """Image and subject by number, label, and part: "test", or the fold that validates it."""
        parts = pd.Series("", index=manifest.index)
        parts.iloc[self.test] = "test"
        for number, fold in enumerate(self.folds, start=1):
            parts.iloc[fold.validation] = str(number)
        return pseudonyms(manifest).assign(label=label_numbers(manifest), part=parts)


def make_splits(
    manifest: pd.DataFrame,
    test_fraction: float = 0.15,
    folds: int = 5,
    seed: int = 0,
    by: Literal["subject", "image"] = "subject",
) -> Splits:
    """Split a manifest, stratified by label (and source, where the manifest names it).

    Args:
        manifest: with the columns label and subject_id.
        test_fraction: share of images to hold out, 0 < fraction < 0.5.
        folds: number of folds, at least 2.
        seed: seed of the shuffle.
        by: keep a subject's images together (default), or split images as the paper does.

    Raises:
        ManifestError: one class only, or fewer subjects of a class than folds.
        ValueError: a fraction or number out of range.
    """
    if not 0.0 < test_fraction < 0.5:
        raise ValueError(f"test_fraction must lie between 0 and 0.5, not {test_fraction}.")
    if folds < 2:
        raise ValueError(f"There must be at least 2 folds, not {folds}.")
    check_manifest(manifest, required=("label", "subject_id"))
    labels = label_numbers(manifest)
    if len(np.unique(labels)) < 2:
        raise ManifestError("The manifest holds one class only; both are needed.")
    strata = _strata(manifest, labels)
    if by == "image":
        return _by_image(labels, test_fraction, folds, seed)
    subjects = manifest["subject_id"].astype(str).to_numpy()
    for label, word in enumerate(("normal", "ventriculomegaly")):
        count = len(np.unique(subjects[labels == label]))
        if count <= folds:
            raise ManifestError(
                f"There are {count} subjects with label {word}; {folds} folds and a test set "
                f"need at least {folds + 1}."
            )
    outer = StratifiedGroupKFold(round(1 / test_fraction), shuffle=True, random_state=seed)
    rest, test = next(iter(outer.split(strata, strata, subjects)))
    inner = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    parts = inner.split(strata[rest], strata[rest], subjects[rest])
    made = tuple(Fold(rest[train], rest[validation]) for train, validation in parts)
    return Splits(test, made, seed, "subject")


def _strata(manifest: pd.DataFrame, labels: Rows) -> npt.NDArray[np.str_]:
    words = pd.Series(labels.astype(str))
    if "source" in manifest.columns:
        words = words + "/" + manifest["source"].astype(str).reset_index(drop=True)
    return words.to_numpy(dtype=str)


def _by_image(labels: Rows, test_fraction: float, folds: int, seed: int) -> Splits:
    generator = np.random.default_rng(seed)
    parts = []
    for label in (0, 1):
        rows = generator.permutation(np.flatnonzero(labels == label))
        parts.append(rows[: round(test_fraction * len(rows))])
    test = np.sort(np.concatenate(parts))
    rest = np.setdiff1d(np.arange(len(labels)), test)
    for label, word in enumerate(("normal", "ventriculomegaly")):
        if (labels[rest] == label).sum() < folds:
            raise ManifestError(f"There are fewer images with label {word} than folds.")
    inner = StratifiedKFold(folds, shuffle=True, random_state=seed)
    made = tuple(
        Fold(rest[train], rest[validation]) for train, validation in inner.split(rest, labels[rest])
    )
    return Splits(test, made, seed, "image")
