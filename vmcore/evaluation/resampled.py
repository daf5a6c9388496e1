"""Every figure of many weighted copies of a case set at once, for bootstrap and jackknife.

A copy is given by how often each subject is in it. Counts are sums over subjects, so a thousand
copies are one matrix product; areas under curves are sums along the sorted cases.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from vmcore.evaluation.intervals import RESAMPLES, Interval, bca_intervals, wilson
from vmcore.evaluation.metrics import ratios
from vmcore.evaluation.predictions import CaseSet

Values = npt.NDArray[np.float64]
COUNTED = (
    "accuracy", "precision", "recall", "specificity", "f1", "npv", "balanced_accuracy", "mcc",
)  # fmt: skip
RANKED = ("auc", "average_precision")
_EXACT_GROUPS = 4096
_MOST_GROUPS = 2048
_OF_CASES = {  # figures that are proportions of cases: which counts succeed, out of which
    "accuracy": ("tp tn", "tp fp tn fn"),
    "precision": ("tp", "tp fp"),
    "recall": ("tp", "tp fn"),
    "specificity": ("tn", "tn fp"),
    "npv": ("tn", "tn fn"),
}


@dataclass(frozen=True, slots=True)
class FigureIntervals:
    """Intervals by figure, in two ways.

    Attributes:
        mean: of the mean over folds, as the paper reports (BCa over subjects).
        together: of all cases by their probability (BCa over subjects).
        wilson: of ``together``'s proportions, as if cases were independent.
    """

    mean: dict[str, Interval]
    together: dict[str, Interval]
    wilson: dict[str, Interval]


def figure_intervals(
    cases: CaseSet, threshold: float, *, resamples: int = RESAMPLES, seed: int = 0
) -> FigureIntervals:
    """95 % intervals of every figure at a threshold.

    Args:
        cases: of one split.
        threshold: from which a probability counts as ventriculomegaly.
        resamples: bootstrap draws.
        seed: of the draws.
    """
    columns = [cases.by_fold[:, fold] for fold in range(len(cases.folds))]
    table = _Judges(cases, [*columns, cases.probability], threshold)

    def statistic(weights: Values) -> Values:
        counted = table.counted(weights)
        ranked = table.ranked(weights)
        both = np.concatenate([counted, ranked], axis=2)  # (R, judges, figures)
        with np.errstate(invalid="ignore"):
            known = ~np.isnan(both[:, :-1])
            means = np.where(known, both[:, :-1], 0.0).sum(1) / known.sum(1)
        return np.concatenate([means, both[:, -1]], axis=1)

    found = bca_intervals(statistic, cases.subject_count, resamples=resamples, seed=seed)
    names = COUNTED + RANKED
    tp, fp, tn, fn = (
        int(value) for value in table.counts(np.ones((1, cases.subject_count)))[0, -1]
    )
    amounts = {"tp": tp, "fp": fp, "tn": tn, "fn": fn}
    return FigureIntervals(
        mean=dict(zip(names, found[: len(names)], strict=True)),
        together=dict(zip(names, found[len(names) :], strict=True)),
        wilson={
            name: wilson(
                sum(amounts[c] for c in good.split()), sum(amounts[c] for c in all_.split())
            )
            for name, (good, all_) in _OF_CASES.items()
        },
    )


class _Judges:
    """Several probabilities for the same cases: each fold's, and the one that counts."""

    def __init__(self, cases: CaseSet, columns: list[Values], threshold: float) -> None:
        self.cases = cases
        self.sums = np.stack([self._by_subject(column, threshold) for column in columns], axis=1)
        self.ranks = [
            RankTable(
                cases.labels[judged], column[judged], cases.subjects[judged], cases.subject_count
            )
            for column in columns
            for judged in [~np.isnan(column)]
        ]

    def _by_subject(self, column: Values, threshold: float) -> Values:
        """tp, fp, tn, fn of each subject, (S, 4); what was not judged counts nothing."""
        judged = ~np.isnan(column)
        called = np.where(judged, column, 0.0) >= threshold
        sick = self.cases.labels == 1
        kinds = (called & sick, called & ~sick, ~called & ~sick, ~called & sick)
        count = self.cases.subject_count
        return np.stack(
            [
                np.bincount(self.cases.subjects, weights=kind & judged, minlength=count)
                for kind in kinds
            ],
            axis=1,
        )

    def counts(self, weights: Values) -> Values:
        """tp, fp, tn, fn of each copy and judge, (R, J, 4)."""
        subjects, judges, _ = self.sums.shape
        return (weights @ self.sums.reshape(subjects, judges * 4)).reshape(-1, judges, 4)

    def counted(self, weights: Values) -> Values:
        """Figures from counts, (R, J, 8), in the order of COUNTED."""
        tp, fp, tn, fn = np.moveaxis(self.counts(weights), 2, 0)
        found = ratios(tp, fp, tn, fn)
        return np.stack([found[name] for name in COUNTED], axis=2)

    def ranked(self, weights: Values) -> Values:
        """AUC and average precision, (R, J, 2)."""
        return np.stack([table.areas(weights) for table in self.ranks], axis=1)


class RankTable:
    """Cases of one judge in order of probability, for areas under curves of many weighted copies.

    Above 4,096 different probabilities, neighbours in rank are taken as tied in 2,048 groups: that
    moves an area by less than 1e-3 and is what makes thousands of copies affordable.
    """

    def __init__(
        self,
        labels: npt.NDArray[np.int64],
        probability: Values,
        subjects: npt.NDArray[np.int64],
        subject_count: int,
    ) -> None:
        _, group = np.unique(-probability, return_inverse=True)
        count = int(group.max()) + 1 if len(group) else 0
        if count > _EXACT_GROUPS:
            group, count = group * _MOST_GROUPS // count, _MOST_GROUPS
        self._by_class = [
            sparse.csr_array(
                (np.ones(rows.sum()), (group[rows], subjects[rows])), (count, subject_count)
            )
            for rows in (labels == 1, labels == 0)
        ]

    def areas(self, weights: Values) -> Values:
        """AUC and average precision, (R, 2), of copies given by weights (R, S).

        NaN where a copy lacks a class.
        """
        positive, negative = (np.asarray(part @ weights.T).T for part in self._by_class)
        hits, alarms = positive.cumsum(1), negative.cumsum(1)
        all_positive, all_negative = hits[:, -1], alarms[:, -1]
        with np.errstate(divide="ignore", invalid="ignore"):
            below = all_negative[:, None] - alarms + negative / 2
            auc = (positive * below).sum(1) / (all_positive * all_negative)
            precision = np.where(hits + alarms > 0, hits / (hits + alarms), 0.0)
            average = (positive * precision).sum(1) / all_positive
        missing = (all_positive == 0) | (all_negative == 0)
        return np.stack([np.where(missing, np.nan, auc), average], axis=1)
