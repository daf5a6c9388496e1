"""Figures of several starts on the same real images, with what draws of subjects make of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from vmcore.data import label_numbers
from vmcore.evaluation import cross_fitted
from vmcore.evaluation.intervals import resample
from vmcore.evaluation.metrics import ratios
from vmcore.evaluation.resampled import RankTable

Values = npt.NDArray[np.float64]
AGAINST: Mapping[str, str | None] = {
    "all normal": None, "same source": "findings", "hc18": "hc18", "screening": "screening",
}  # fmt: skip
"""Groups of normal images that the positives are held against, by their source."""


def figures_of(
    table: pd.DataFrame, answers: Mapping[str, pd.DataFrame], draws: int = 1000
) -> dict[str, object]:
    """Area under the ROC curve and F1 out of fold on real images, and differences from the first start.

    F1 is that of each fold's decision at a threshold by Youden's index, chosen on the real images of the
    other folds; draws leave the thresholds as they are.

    Args:
        table: the study.
        answers: row, fold and probability by the start's name.
        draws: of subjects, the same for every start.

    Returns:
        how many images, positives and, by group, normal ones; for each start and each group of normal
        images auc and f1 and the middle 95 % of the draws of subjects, and the same of their differences
        from the first start.
    """
    labels, real = label_numbers(table), (table["source"] != "phantom").to_numpy()
    said = {name: _by_row(one, len(table)) for name, one in answers.items()}
    rows = np.flatnonzero(real & ~np.isnan(np.stack(list(said.values()))).any(axis=(0, 2)))
    names, subjects = np.unique(table["subject_id"].to_numpy()[rows], return_inverse=True)
    sick, sources = labels[rows] == 1, table["source"].to_numpy()[rows]
    groups = {name: sick | ((sources == one) if one else True) for name, one in AGAINST.items()}
    judges = [
        _Judge(sick[kept], one[rows][kept], subjects[kept], len(names), _called(sick, one[rows])[kept])
        for kept in groups.values() for one in said.values()
    ]  # fmt: skip

    def statistic(weights: Values) -> Values:
        return np.stack([judge.figures(weights) for judge in judges], axis=1).reshape(
            len(weights), -1
        )

    drawn = resample(statistic, len(names), resamples=draws)
    every = np.concatenate([statistic(np.ones((1, len(names)))), drawn])
    every = every.reshape(draws + 1, len(groups), len(said), 2)
    found: dict[str, object] = {
        "images": len(rows), "positive": int(sick.sum()), "subjects": len(names),
        "positive_subjects": len(np.unique(subjects[sick])), "draws": draws,
        "normal": {name: int((kept & ~sick).sum()) for name, kept in groups.items()},
    }  # fmt: skip
    for place, against in enumerate(AGAINST):
        found[against] = {
            name: {
                figure: _shown(values[..., which])
                for which, figure, values in (
                    (0, "auc", every[:, place, index]),
                    (1, "f1", every[:, place, index]),
                    (0, "auc_difference", every[:, place, index] - every[:, place, 0]),
                    (1, "f1_difference", every[:, place, index] - every[:, place, 0]),
                )
            }
            for index, name in enumerate(said)
        }
    return found


class _Judge:
    """One start's answers to one group of images."""

    def __init__(
        self, sick: npt.NDArray[np.bool_], answers: Values, subjects: npt.NDArray[np.int64], count: int,
        called: npt.NDArray[np.bool_],
    ) -> None:  # fmt: skip
        self._ranks = RankTable(sick.astype(np.int64), answers[:, 1], subjects, count)
        kinds = (called & sick, called & ~sick, ~called & ~sick, ~called & sick)
        self._counts = np.stack(
            [np.bincount(subjects, weights=kind, minlength=count) for kind in kinds], axis=1
        )

    def figures(self, weights: Values) -> Values:
        """Area and F1, (R, 2), of draws given by how often each subject is in them, (R, S)."""
        f1 = ratios(*(weights @ self._counts).T)["f1"]
        return np.stack([self._ranks.areas(weights)[:, 0], f1], axis=1)


def _by_row(answers: pd.DataFrame, count: int) -> Values:
    """Fold and probability of each row, (N, 2); NaN where there is no answer."""
    values = np.full((count, 2), np.nan)
    values[answers["row"]] = answers[["fold", "probability"]]
    return values


def _called(sick: npt.NDArray[np.bool_], answers: Values) -> npt.NDArray[np.bool_]:
    """Which images are called ventriculomegaly, each at the threshold of the other folds."""
    table = pd.DataFrame(
        {"fold": answers[:, 0].astype(int), "label": sick.astype(int), "probability": answers[:, 1]}
    )
    thresholds = {}
    for fold, decision in cross_fitted(table).items():
        if decision is None:
            raise ValueError(
                f"The folds beside {fold} hold one class only; no threshold is chosen."
            )
        thresholds[fold] = decision.threshold
    return (table["probability"] >= table["fold"].map(thresholds)).to_numpy()


def _shown(values: Values) -> list[float]:
    low, high = np.nanpercentile(values[1:], [2.5, 97.5])
    return [round(float(one), 3) for one in (values[0], low, high)]
