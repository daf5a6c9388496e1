"""Predictions at an operating point: through a calibration, against a threshold."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from vmcore.evaluation.calibration import fit_calibration
from vmcore.evaluation.metrics import binary_metrics
from vmcore.evaluation.predictions import CaseSet, Predictions, PredictionsError, Split
from vmcore.evaluation.thresholds import CHOSEN_ON_VALIDATION, ThresholdRule, choose_threshold
from vmcore.models import Calibration

CalibrationMethod = Literal["none", "temperature", "platt"]


@dataclass(frozen=True, slots=True)
class OperatingPredictions:
    """A model's predictions as its user would get them.

    Attributes:
        name: the model's.
        predictions: with calibrated probabilities.
        threshold: from which a probability counts as ventriculomegaly.
        rule: how the threshold came about, in words.
        calibration: what the probabilities went through, or None.
        epochs_chosen: whether each fold's epoch was chosen by its validation images.
    """

    name: str
    predictions: Predictions
    threshold: float
    rule: str
    calibration: Calibration | None = None
    epochs_chosen: bool = False
    _cases: dict[str, CaseSet] = field(default_factory=dict, repr=False, compare=False)

    def cases(self, split: Split) -> CaseSet:
        """The cases of a split.

        Raises:
            PredictionsError: there are none.
        """
        if split not in self._cases:
            self._cases[split] = self.predictions.cases(split)
        return self._cases[split]

    def optimism(self, split: Split) -> str | None:
        """A sentence where figures of this split are too good: what decided saw these images."""
        by_rule = CHOSEN_ON_VALIDATION in self.rule
        known = (
            ("epochs", self.epochs_chosen), ("threshold", by_rule), ("calibration", self.calibration),
        )  # fmt: skip
        what = " and ".join(word for word, so in known if so)
        if split != "validation" or not what:
            return None
        said = f"The {what} came from these very validation images, so "
        if self.epochs_chosen:
            return said + "all figures, AUC included, are too good here; the test decides."
        return (
            said
            + "figures that depend on it are a little too good here. AUC and average precision are "
            "not affected; the test decides."
        )

    def at(self, threshold: float, rule: str) -> OperatingPredictions:
        """The same with another threshold."""
        return replace(self, threshold=threshold, rule=rule)


def apply_operating_point(
    name: str,
    predictions: Predictions,
    threshold: float,
    rule: str,
    calibration: Calibration | None = None,
    *,
    epochs_chosen: bool = False,
) -> OperatingPredictions:
    """Put raw predictions through a calibration; the threshold is on the calibrated scale."""
    if calibration is not None:
        table = predictions.table.copy()
        table["probability"] = calibration.apply(table["probability"])
        predictions = replace(predictions, table=table)
    return OperatingPredictions(name, predictions, threshold, rule, calibration, epochs_chosen)


def calibration_from_validation(
    predictions: Predictions, method: CalibrationMethod
) -> Calibration | None:
    """A calibration fitted on the validation predictions; test data decides nothing.

    Raises:
        PredictionsError: there are no validation predictions, or they cannot be calibrated.
    """
    if method == "none":
        return None
    cases = predictions.cases("validation")
    try:
        return fit_calibration(cases.labels, cases.probability, method)
    except ValueError as error:
        raise PredictionsError(str(error)) from error


def with_rule(operating: OperatingPredictions, rule: ThresholdRule) -> OperatingPredictions:
    """The same with a threshold that a rule picks on the validation predictions.

    Raises:
        PredictionsError: there are no validation predictions of both classes.
    """
    cases = operating.cases("validation")
    try:
        threshold = choose_threshold(cases.labels, cases.probability, rule)
    except ValueError as error:
        raise PredictionsError(str(error)) from error
    return operating.at(threshold, rule.words())


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A threshold's place, mean over folds, and the counts summed over folds (Fig. 6)."""

    false_rate: float
    recall: float
    precision: float
    tp: int
    fp: int
    tn: int
    fn: int


def operating_point(cases: CaseSet, threshold: float) -> OperatingPoint:
    """Where a threshold stands on the mean curves, and the summed confusion matrix."""
    folds = []
    for place in range(len(cases.folds)):
        judged = ~np.isnan(cases.by_fold[:, place])
        folds.append(binary_metrics(cases.labels[judged], cases.by_fold[judged, place], threshold))

    def mean(name: str) -> float:
        values = np.array([fold[name] for fold in folds])
        known = values[~np.isnan(values)]
        return float(known.mean()) if len(known) else float("nan")

    counts = {name: int(sum(fold[name] for fold in folds)) for name in ("tp", "fp", "tn", "fn")}
    return OperatingPoint(1 - mean("specificity"), mean("recall"), mean("precision"), **counts)
