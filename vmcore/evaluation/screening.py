"""What a result means where ventriculomegaly is rarer than in the study: PPV, NPV, net benefit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vmcore.evaluation.intervals import RESAMPLES, Interval, bca_intervals, wilson
from vmcore.evaluation.metrics import Labels, checked
from vmcore.evaluation.predictions import CaseSet

Values = npt.NDArray[np.float64]
BOOTSTRAP = "bootstrap over subjects"
CARRIED = "Wilson's limits of sensitivity and specificity, carried through"
_FEW = 5  # wrong decisions below which too few draws hold one for a bootstrap to tell anything


def predictive_values(
    sensitivity: npt.ArrayLike, specificity: npt.ArrayLike, prevalence: npt.ArrayLike
) -> tuple[Values, Values]:
    """PPV and NPV by Bayes' rule, of any shape; NaN where nothing would be called so.

    Raises:
        ValueError: a value outside [0, 1].
    """
    sens, spec, share = (
        np.asarray(value, np.float64) for value in (sensitivity, specificity, prevalence)
    )
    for name, value in (("sensitivity", sens), ("specificity", spec), ("prevalence", share)):
        if ((value < 0) | (value > 1)).any():
            raise ValueError(f"The {name} must lie between 0 and 1.")
    return _bayes(sens, spec, share)


@dataclass(frozen=True, slots=True)
class PredictiveCurve:
    """PPV and NPV of the ensemble over prevalences, each with its 95 % interval.

    Attributes:
        prevalence: (P,).
        ppv, npv: P intervals; NaN where a class is missing.
        ppv_method, npv_method: what the intervals are: a bootstrap, or Wilson's limits where fewer
            than five decisions are wrong.
        sensitivity, specificity: with Wilson's intervals.
    """

    prevalence: Values
    ppv: tuple[Interval, ...]
    npv: tuple[Interval, ...]
    ppv_method: str
    npv_method: str
    sensitivity: Interval
    specificity: Interval


def predictive_curve(
    cases: CaseSet,
    threshold: float,
    prevalence: Sequence[float] | Values,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> PredictiveCurve:
    """Predictive values of the probability that counts, not of single folds.

    The interval is a bootstrap by subject (BCa). Where fewer than five normal cases are called (for
    PPV), or fewer than five of the others missed (for NPV), hardly a draw differs from the next, and
    a bootstrap would claim certainty: there Wilson's limits of sensitivity and specificity are
    carried through Bayes' rule, which takes images as independent.

    Args:
        cases: of one split.
        threshold: from which a probability counts as ventriculomegaly.
        prevalence: (P,), each between 0 and 1.
        resamples: bootstrap draws.
        seed: of the draws.
    """
    shares = np.asarray(prevalence, np.float64)
    counts = _counts_by_subject(cases, threshold)
    tp, fp, tn, fn = (int(value) for value in counts.sum(0))
    sensitivity, specificity = wilson(tp, tp + fn), wilson(tn, tn + fp)
    carried = _carried(sensitivity, specificity, shares)
    if np.isnan(sensitivity.estimate) or np.isnan(specificity.estimate):
        return PredictiveCurve(shares, *carried, CARRIED, CARRIED, sensitivity, specificity)

    def statistic(weights: Values) -> Values:
        drawn = (weights @ counts)[:, :, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            sens = drawn[:, 0] / (drawn[:, 0] + drawn[:, 3])
            spec = drawn[:, 2] / (drawn[:, 2] + drawn[:, 1])
        return np.concatenate(_bayes(sens, spec, shares), axis=1)

    ppv, npv = carried
    ppv_method = npv_method = CARRIED
    if max(fp, fn) >= _FEW:
        found = bca_intervals(statistic, cases.subject_count, resamples=resamples, seed=seed)
        if fp >= _FEW and tp:
            ppv, ppv_method = tuple(found[: len(shares)]), BOOTSTRAP
        if fn >= _FEW and tn:
            npv, npv_method = tuple(found[len(shares) :]), BOOTSTRAP
    return PredictiveCurve(shares, ppv, npv, ppv_method, npv_method, sensitivity, specificity)


def _counts_by_subject(cases: CaseSet, threshold: float) -> Values:
    """tp, fp, tn, fn of each subject, (S, 4)."""
    called, sick = cases.probability >= threshold, cases.labels == 1
    kinds = (called & sick, called & ~sick, ~called & ~sick, ~called & sick)
    count = cases.subject_count
    return np.stack(
        [np.bincount(cases.subjects, weights=kind, minlength=count) for kind in kinds], axis=1
    )


def _bayes(sens: Values, spec: Values, share: Values) -> tuple[Values, Values]:
    with np.errstate(divide="ignore", invalid="ignore"):
        ppv = sens * share / (sens * share + (1 - spec) * (1 - share))
        npv = spec * (1 - share) / (spec * (1 - share) + (1 - sens) * share)
    return np.asarray(ppv), np.asarray(npv)


def _carried(
    sensitivity: Interval, specificity: Interval, shares: Values
) -> tuple[tuple[Interval, ...], tuple[Interval, ...]]:
    ends = [
        _bayes(np.array(getattr(sensitivity, end)), np.array(getattr(specificity, end)), shares)
        for end in ("estimate", "low", "high")
    ]
    ppv, npv = (
        tuple(Interval(*(float(v) for v in values)) for values in zip(*parts, strict=True))
        for parts in zip(*ends, strict=True)
    )
    return ppv, npv


def net_benefit(
    y_true: Labels,
    probability: npt.ArrayLike,
    thresholds: npt.ArrayLike,
    prevalence: float | None = None,
) -> tuple[Values, Values]:
    """Net benefit of acting on the model, and of acting on everybody (Vickers & Elkin 2006).

    Acting at a threshold t says that a missed case is as bad as (1 - t) / t false alarms; net
    benefit is then sensitivity x prevalence - (1 - specificity) x (1 - prevalence) x t / (1 - t), in
    true positives per person. Acting on nobody has 0.

    Args:
        y_true: (N,), 0 or 1.
        probability: (N,), in [0, 1]; meaningful only where calibrated.
        thresholds: (T,), in [0, 1).
        prevalence: where the model is to be used; the data's own without.

    Returns:
        (T,) of the model, NaN where a class is missing, and (T,) of acting on everybody.
    """
    truth, values = checked(y_true, probability)
    odds = np.asarray(thresholds, np.float64)
    share = float(truth.mean()) if prevalence is None else prevalence
    sick, well = np.sort(values[truth == 1]), np.sort(values[truth == 0])
    sensitivity, false_rate = _share_from(sick, odds), _share_from(well, odds)
    price = (1 - share) * odds / (1 - odds)
    return sensitivity * share - false_rate * price, share - price


def _share_from(ordered: Values, thresholds: Values) -> Values:
    """Share of values that reach each threshold; NaN where there is no value."""
    if not len(ordered):
        return np.full(thresholds.shape, np.nan)
    return 1 - np.searchsorted(ordered, thresholds) / len(ordered)
