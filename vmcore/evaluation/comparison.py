"""Two models on the same cases: DeLong for AUC, McNemar for decisions, bootstrap for F1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from vmcore.evaluation.intervals import RESAMPLES, Interval, bca_intervals, resample
from vmcore.evaluation.metrics import Labels, checked, ratios
from vmcore.evaluation.predictions import CaseSet, PredictionsError

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Difference:
    """First model minus second: the difference with its interval, and a two-sided p-value."""

    interval: Interval
    p_value: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models compared; a subject's images count as belonging together.

    Attributes:
        cases: how many they were compared on.
        auc: DeLong's test.
        f1: bootstrap over subjects.
        decisions: (only the first right, only the second right, McNemar's exact p-value).
    """

    cases: int
    auc: Difference
    f1: Difference
    decisions: tuple[int, int, float]


def delong(
    y_true: Labels,
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    subjects: npt.ArrayLike | None = None,
) -> Difference:
    """Difference of two AUCs on the same cases (DeLong et al. 1988, by midranks as Sun & Xu 2014).

    The p-value is 1 where the two rank every pair alike.

    Args:
        y_true: (N,), 0 or 1.
        first: (N,), the first model's probabilities; ``second``: the other's.
        second: see there.
        subjects: (N,), whose each case is; cases of one subject depend on each other (Obuchowski 1997).
            All are independent without it.

    Raises:
        ValueError: as :func:`binary_metrics`, or one class only.
    """
    truth, values_first = checked(y_true, first)
    _, values_second = checked(y_true, second)
    sick, well = truth == 1, truth == 0
    if not sick.any() or not well.any():
        raise ValueError("AUCs can be compared only where both classes are present.")
    parts = np.zeros((2, len(truth)))
    for part, values in zip(parts, (values_first, values_second), strict=True):
        everywhere = stats.rankdata(values)
        part[sick] = (everywhere[sick] - stats.rankdata(values[sick])) / well.sum()
        part[well] = 1 - (everywhere[well] - stats.rankdata(values[well])) / sick.sum()
    apart = parts[0] - parts[1]
    gap = float(apart[sick].mean())
    _, whose = np.unique(
        np.arange(len(truth)) if subjects is None else subjects, return_inverse=True
    )
    error = np.sqrt(max(_variance(apart - gap, sick, whose), 0.0))
    p_value = 2 * stats.norm.sf(abs(gap) / error) if error > 0 else float(gap == 0)
    reach = stats.norm.ppf(0.975) * error
    return Difference(Interval(gap, gap - reach, gap + reach), float(p_value))


def _variance(apart: Values, sick: npt.NDArray[np.bool_], whose: npt.NDArray[np.int64]) -> float:
    """Of a difference of areas, from each case's part in it about the mean, by subject."""
    sums, scales = [], []
    for side in (sick, ~sick):
        sums.append(np.bincount(whose, weights=apart * side) / side.sum())
        count = len(np.unique(whose[side]))
        scales.append(count / (count - 1) if count > 1 else 0.0)
    count = int(whose.max()) + 1
    both = count / (count - 1) if count > 1 else 0.0
    over_sick, over_well = sums
    return float(
        scales[0] * (over_sick @ over_sick)
        + scales[1] * (over_well @ over_well)
        + 2 * both * (over_sick @ over_well)
    )


def mcnemar(
    y_true: Labels,
    called_first: npt.ArrayLike,
    called_second: npt.ArrayLike,
    subjects: npt.ArrayLike | None = None,
) -> tuple[int, int, float]:
    """McNemar's exact test on which of two models is right (McNemar 1947).

    Args:
        y_true: (N,), 0 or 1.
        called_first: (N,), whether the first model calls it ventriculomegaly.
        called_second: (N,), the second model.
        subjects: (N,), whose each case is; then a subject's cases change sides together, which for one
            case a subject is the same. All are independent without it.

    Returns:
        cases that only the first has right, that only the second has right, two-sided p-value.
    """
    truth = np.asarray(y_true) == 1
    right_first = np.asarray(called_first, bool) == truth
    right_second = np.asarray(called_second, bool) == truth
    lead = right_first.astype(np.int64) - right_second
    _, whose = np.unique(
        np.arange(len(truth)) if subjects is None else subjects, return_inverse=True
    )
    by_subject = np.bincount(whose, weights=lead).round().astype(np.int64)
    return int((lead > 0).sum()), int((lead < 0).sum()), _sign_flips(by_subject)


def _sign_flips(leads: npt.NDArray[np.int64]) -> float:
    """How often a sum of whole numbers is as far from 0 as it is where each sign is a coin's.

    Exact, for numbers of several sizes to about 1e-15: the distribution is the inverse Fourier transform of the
    product of the coins' cosines.
    """
    sizes, counts = np.unique(np.abs(leads[leads != 0]), return_counts=True)
    if not len(sizes):
        return 1.0
    if len(sizes) == 1:  # all of one size: how many of the coins fall one way
        return float(stats.binomtest(int((leads > 0).sum()), int(counts[0])).pvalue)
    farthest = int(sizes @ counts)
    turns = 2 * np.pi * np.arange(2 * farthest + 1) / (2 * farthest + 1)
    spectrum = np.prod(np.cos(np.outer(sizes, turns)) ** counts[:, None], axis=0)
    chance = np.fft.ifft(spectrum).real
    sums = (np.arange(len(chance)) + farthest) % len(chance) - farthest
    tail = chance[np.abs(sums) >= abs(int(leads.sum()))].sum()
    return float(np.clip(tail, 0.0, 1.0))


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for being several (Holm 1979), in the order given; NaN stays out."""
    values = np.asarray(p_values, np.float64)
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known], kind="stable")]
    scaled = values[order] * np.arange(len(order), 0, -1)
    corrected = values.copy()
    corrected[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return [float(value) for value in corrected]


def compare(
    first: CaseSet,
    second: CaseSet,
    thresholds: tuple[float, float],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Compare two models on the cases that both judged.

    Args:
        first: one model's cases.
        second: the other's, of the same split.
        thresholds: each model's own.
        resamples: bootstrap draws for F1.
        seed: of the draws.

    Raises:
        PredictionsError: they share too few cases, or give the same image different labels.
    """
    rows_first, rows_second = shared_rows(first, second)
    truth = first.labels[rows_first]
    said = (first.probability[rows_first], second.probability[rows_second])
    called = (said[0] >= thresholds[0], said[1] >= thresholds[1])
    subjects = np.unique(first.subjects[rows_first], return_inverse=True)[1]
    sums = np.stack([_by_subject(truth, each, subjects) for each in called], axis=1)

    def gap(weights: Values) -> Values:
        counts = (weights @ sums.reshape(len(sums), 8)).reshape(-1, 2, 4)
        f1 = ratios(*np.moveaxis(counts, 2, 0))["f1"]
        return np.asarray(f1[:, :1] - f1[:, 1:])

    (interval,) = bca_intervals(gap, len(sums), resamples=resamples, seed=seed)
    draws = resample(gap, len(sums), resamples=resamples, seed=seed)[:, 0]
    tail = min((draws <= 0).mean(), (draws >= 0).mean())
    p_value = float(min(2 * max(tail, 1 / len(draws)), 1.0))
    return Comparison(
        cases=len(truth),
        auc=delong(truth, *said, subjects),
        f1=Difference(interval, p_value),
        decisions=mcnemar(truth, *called, subjects),
    )


def shared_rows(
    first: CaseSet, second: CaseSet
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Row numbers, in each, of the cases that both hold.

    Raises:
        PredictionsError: fewer than two of each class, or labels that contradict each other.
    """
    places = {image: row for row, image in enumerate(second.known["image"])}
    pairs = [
        (row, places[image]) for row, image in enumerate(first.known["image"]) if image in places
    ]
    rows = np.array(pairs, np.int64).reshape(-1, 2)
    truth = first.labels[rows[:, 0]]
    if (truth != second.labels[rows[:, 1]]).any():
        raise PredictionsError(
            "The two models' predictions give the same image different labels; they were not made "
            "from the same study."
        )
    if min((truth == 0).sum(), (truth == 1).sum()) < 2:
        raise PredictionsError(
            "The two models share too few cases to be compared: two of each class are needed."
        )
    return rows[:, 0], rows[:, 1]


def _by_subject(
    truth: npt.NDArray[np.int64], called: npt.NDArray[np.bool_], subjects: npt.NDArray[np.int64]
) -> Values:
    sick = truth == 1
    kinds = (called & sick, called & ~sick, ~called & ~sick, ~called & sick)
    count = int(subjects.max()) + 1
    return np.stack([np.bincount(subjects, weights=kind, minlength=count) for kind in kinds], 1)


def comparison_rows(comparisons: Mapping[str, Comparison]) -> list[dict[str, object]]:
    """Comparisons with one reference as a table, p-values corrected over all of them (Holm)."""
    raw = [p for c in comparisons.values() for p in (c.auc.p_value, c.decisions[2], c.f1.p_value)]
    corrected = iter(holm(raw))
    rows: list[dict[str, object]] = []
    for name, found in comparisons.items():
        rows.append(
            {
                "against": name,
                "cases": found.cases,
                "AUC difference": str(found.auc.interval),
                "DeLong p": next(corrected),
                "only this right": found.decisions[0],
                "only the other right": found.decisions[1],
                "McNemar p": next(corrected),
                "F1 difference": str(found.f1.interval),
                "bootstrap p": next(corrected),
            }
        )
    return rows
