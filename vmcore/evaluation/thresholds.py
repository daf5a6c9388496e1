"""Choosing the probability from which a scan is called ventriculomegaly. On validation data only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from sklearn import metrics

from vmcore.evaluation.metrics import Labels, checked

CHOSEN_ON_VALIDATION = "over the out-of-fold predictions"
"""What the words of every rule say, by which a reader knows where a threshold was chosen."""

RuleKind = Literal["youden", "sensitivity", "specificity", "cost"]

_EQUAL = 1e-12  # rates closer than this are the same: they are counts over at most millions


@dataclass(frozen=True, slots=True)
class ThresholdRule:
    """How a threshold is chosen.

    Attributes:
        kind: "youden" (sensitivity + specificity - 1 at its largest; Youden 1950), "sensitivity" or
            "specificity" (at least ``value``, the other as large as it can be), or "cost" (a missed
            case costs ``value`` false alarms).
        value: the sensitivity or specificity, 0..1, or the cost ratio, above 0; unused for "youden".
        prevalence: for "cost", the share of ventriculomegaly where the model is to be used; the
            data's own without.
    """

    kind: RuleKind = "youden"
    value: float = 0.95
    prevalence: float | None = None

    def __post_init__(self) -> None:
        if self.kind in {"sensitivity", "specificity"} and not 0 < self.value <= 1:
            raise ValueError(f"The {self.kind} to keep must lie between 0 and 1.")
        if self.kind == "cost" and self.value <= 0:
            raise ValueError("The cost of a missed case must be above 0.")
        if self.prevalence is not None and not 0 < self.prevalence < 1:
            raise ValueError("The prevalence must lie between 0 and 1.")

    def words(self) -> str:
        """The rule in words, as it stands in a bundle's card."""
        if self.kind == "youden":
            return f"Youden's index {CHOSEN_ON_VALIDATION}"
        if self.kind == "cost":
            share = "the data's" if self.prevalence is None else f"{100 * self.prevalence:.10g}%"
            return (
                f"lowest cost {CHOSEN_ON_VALIDATION}, a missed case counting "
                f"{self.value:g} false alarms at {share} prevalence"
            )
        least = f"{self.value:.1%}"
        if not np.isclose(float(least[:-1]) / 100, self.value, rtol=0, atol=_EQUAL):
            least = f"{100 * self.value:.10g}%"  # 99.95 % is not 100 %
        return f"{self.kind} of at least {least} {CHOSEN_ON_VALIDATION}"


def choose_threshold(
    y_true: Labels, probability: npt.ArrayLike, rule: ThresholdRule | None = None
) -> float:
    """The threshold that a rule picks, halfway to the next lower probability that occurs.

    No other threshold is better in one of sensitivity and specificity and as good in the other.

    Args:
        y_true: (N,), 0 normal, 1 ventriculomegaly; of validation images.
        probability: (N,), in [0, 1].
        rule: Youden's without.

    Raises:
        ValueError: as :func:`binary_metrics`, one class only, or a specificity that no threshold
            up to 1 keeps.
    """
    rule = rule or ThresholdRule()
    truth, values = checked(y_true, probability)
    if len(np.unique(truth)) < 2:
        raise ValueError("A threshold can be chosen only where both classes are present.")
    false_rate, true_rate, thresholds = metrics.roc_curve(truth, values, drop_intermediate=False)
    if values.max() == 1:  # a probability of 1 is called at every threshold: "never" is not there
        false_rate, true_rate, thresholds = false_rate[1:], true_rate[1:], thresholds[1:]
    place = _pick(rule, true_rate, false_rate, float(truth.mean()))
    best = float(thresholds[_undominated(place, true_rate, false_rate)])
    if not np.isfinite(best):  # calling nothing at all is the rule's choice
        return float(np.nextafter(values.max(), 2))
    below = values[values < best].max(initial=-np.inf)
    middle = float((best + below) / 2)
    return middle if below < middle else best  # between neighbouring floats there is nothing


def _pick(
    rule: ThresholdRule,
    true_rate: npt.NDArray[np.float64],
    false_rate: npt.NDArray[np.float64],
    share: float,
) -> int:
    """A point that the rule likes best; both rates rise along the points."""
    if rule.kind == "sensitivity":
        return int(np.flatnonzero(true_rate >= rule.value - _EQUAL)[0])
    if rule.kind == "specificity":
        kept = np.flatnonzero(1 - false_rate >= rule.value - _EQUAL)
        if not len(kept):
            raise ValueError(
                f"No threshold keeps a specificity of {rule.value:.10g}: a normal image has a "
                "probability of 1. Choose a lower specificity."
            )
        return int(kept[-1])
    if rule.kind == "cost":
        sick = share if rule.prevalence is None else rule.prevalence
        return int(np.argmin(rule.value * sick * (1 - true_rate) + (1 - sick) * false_rate))
    index = true_rate - false_rate
    best = np.flatnonzero(index >= index.max() - _EQUAL)
    return int(best[true_rate[best] > 0][0])  # where nothing gains, not "never"


def _undominated(
    place: int, true_rate: npt.NDArray[np.float64], false_rate: npt.NDArray[np.float64]
) -> int:
    """From a point to one as good in both rates and better where it can be."""
    reached = true_rate[false_rate <= false_rate[place]].max()
    return int(np.flatnonzero(true_rate >= reached)[0])
