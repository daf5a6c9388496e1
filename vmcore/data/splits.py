"""Held-out test and cross-validation folds, by subject unless the paper's way is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from vmcore.data.dealing import Groups, deal
from vmcore.data.manifest import (
    ManifestError,
    check_manifest,
    label_numbers,
    pseudonyms,
    spelt_alike,
)

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
    same: Iterable[tuple[str, str]] = (),
) -> Splits:
    """Split a manifest: the shares nearest to what is asked, in all, by class, and by source.

    The test set, and every fold's training and validation part, hold both classes. A seed gives the
    same split on every machine.

    Args:
        manifest: with the columns label and subject_id, and source where it is known.
        test_fraction: share of images to hold out, 0 < fraction < 0.5.
        folds: number of folds, at least 2.
        seed: seed of the choice.
        by: keep a subject's images together (default), or split images as the paper does.
        same: paths of images that are the same: by subject, whoever has one and whoever has the other
            stay together.

    Raises:
        ManifestError: one class only, or too few subjects of a class for the test set and every fold.
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
    owners = np.arange(len(labels)) if by == "image" else _owners(manifest, same)
    groups = _groups(manifest, labels, owners)
    shares = np.array([test_fraction, 1 - test_fraction])
    held = deal(groups, shares, np.array([1, folds]), [seed, 0])
    if held is None:
        raise ManifestError(_too_few(labels, owners, folds, by))
    rest = Groups(groups.counts[held == 1], groups.classes)
    inner = deal(rest, np.full(folds, 1 / folds), np.ones(folds, np.int64), [seed, 1])
    if inner is None:  # impossible, since the rest kept enough groups of each class
        raise ManifestError(_too_few(labels, owners, folds, by))
    parts = np.zeros(len(held), np.int64)
    parts[held == 1] = inner + 1
    return splits_from_parts(parts[owners], seed, by)


def _owners(manifest: pd.DataFrame, same: Iterable[tuple[str, str]]) -> Rows:
    """Whose each image is, by number; subjects who share an image count as one."""
    names, owners = np.unique(spelt_alike(manifest["subject_id"].astype(str)), return_inverse=True)
    pairs = list(same)
    if not pairs:
        return np.asarray(owners, np.int64)
    owner = dict(zip(manifest["path"].astype(str), owners.tolist(), strict=True))
    first, second = zip(*((owner[one], owner[other]) for one, other in pairs), strict=True)
    shared = coo_array((np.ones(len(pairs)), (first, second)), shape=(len(names), len(names)))
    _, together = connected_components(shared, directed=False)
    return np.asarray(together[owners], np.int64)


def splits_from_parts(parts: Rows, seed: int, by: Literal["subject", "image"]) -> Splits:
    """Splits of which the parts are known.

    Args:
        parts: (N,) each image's part: 0 for the test, else the fold that validates it, from 1.
        seed: what made them.
        by: what was kept together.
    """
    made = tuple(
        Fold(
            np.flatnonzero((parts != number) & (parts > 0)).astype(np.int64),
            np.flatnonzero(parts == number).astype(np.int64),
        )
        for number in range(1, int(parts.max()) + 1)
    )
    return Splits(np.flatnonzero(parts == 0).astype(np.int64), made, seed, by)


def _groups(manifest: pd.DataFrame, labels: Rows, owners: Rows) -> Groups:
    """Images of each subject (or image) by class and source."""
    words = pd.Series(labels.astype(str))
    if "source" in manifest.columns:
        words = words + "/" + manifest["source"].astype(str).reset_index(drop=True)
    strata, codes = np.unique(words.to_numpy(dtype=str), return_inverse=True)
    counts = np.zeros((int(owners.max()) + 1, len(strata)), np.int64)
    np.add.at(counts, (owners, codes), 1)
    return Groups(counts, np.array([int(name[0]) for name in strata], np.int64))


def _too_few(labels: Rows, owners: Rows, folds: int, by: str) -> str:
    counts = [len(np.unique(owners[labels == label])) for label in (0, 1)]
    word = ("normal", "ventriculomegaly")[int(np.argmin(counts))]
    return (
        f"There are {min(counts)} {by}s with label {word}; {folds} folds and a test set need at least "
        f"{folds + 1}. Take fewer folds, or add data."
    )
