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
            share = "the data's" if self.prevalence is None else f"{self.prevalence:.2%}"
            return (
                f"lowest cost {CHOSEN_ON_VALIDATION}, a missed case counting "
                f"{self.value:g} false alarms at {share} prevalence"
            )
        return f"{self.kind} of at least {self.value:.1%} {CHOSEN_ON_VALIDATION}"


def choose_threshold(
    y_true: Labels, probability: npt.ArrayLike, rule: ThresholdRule | None = None
) -> float:
    """The threshold that a rule picks, halfway to the next lower probability that occurs.

    Args:
        y_true: (N,), 0 normal, 1 ventriculomegaly; of validation images.
        probability: (N,), in [0, 1].
        rule: Youden's without.

    Raises:
        ValueError: as :func:`binary_metrics`, or one class only.
    """
    rule = rule or ThresholdRule()
    truth, values = checked(y_true, probability)
    if len(np.unique(truth)) < 2:
        raise ValueError("A threshold can be chosen only where both classes are present.")
    false_rate, true_rate, thresholds = metrics.roc_curve(truth, values, drop_intermediate=False)
    best = float(thresholds[_pick(rule, true_rate, false_rate, float(truth.mean()))])
    if not np.isfinite(best):  # calling nothing at all is the rule's choice
        return float(min(1.0, np.nextafter(values.max(), 2)))
    below = values[values < best].max(initial=-np.inf)
    halfway = (best + below) / 2
    return float(halfway) if below < halfway else best  # neighbours among floats have no middle


def _pick(
    rule: ThresholdRule,
    true_rate: npt.NDArray[np.float64],
    false_rate: npt.NDArray[np.float64],
    share: float,
) -> int:
    # among the points that meet the bound the best other rate, then the best of the bound one
    if rule.kind == "sensitivity":
        meeting = np.flatnonzero(true_rate >= rule.value - 1e-12)
        return int(meeting[np.lexsort((-true_rate[meeting], false_rate[meeting]))[0]])
    if rule.kind == "specificity":
        meeting = np.flatnonzero(1 - false_rate >= rule.value - 1e-12)
        return int(meeting[np.lexsort((false_rate[meeting], -true_rate[meeting]))[0]])
    if rule.kind == "cost":
        sick = share if rule.prevalence is None else rule.prevalence
        return int(np.argmin(rule.value * sick * (1 - true_rate) + (1 - sick) * false_rate))
    return max(int(np.argmax(true_rate - false_rate)), 1)  # where nothing gains, not "never"
