"""Figures of validation folds at thresholds that were chosen without them.

A threshold that is chosen on the very rows that it then judges is a little too good for them. Here
each fold's threshold (and calibration) comes from the other folds' validation rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from vmcore.evaluation.calibration import fit_calibration
from vmcore.evaluation.operating import CalibrationMethod
from vmcore.evaluation.summary import PAPER_METRICS, fold_table
from vmcore.evaluation.thresholds import ThresholdRule, choose_threshold
from vmcore.models import Calibration

VALIDATION_TITLE = "Validation, by fold (each fold's threshold chosen on the other folds)"
TEST_TITLE = "Test, by fold"


@dataclass(frozen=True, slots=True)
class FoldDecision:
    """What a fold is judged by: a calibration (or None) and a threshold on its scale."""

    threshold: float
    calibration: Calibration | None = None

    def calibrated(self, probability: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Probabilities on the threshold's scale."""
        if self.calibration is None:
            return np.asarray(probability, np.float64)
        return self.calibration.apply(probability)


def cross_fitted(
    validation: pd.DataFrame,
    rule: ThresholdRule | None = None,
    method: CalibrationMethod = "none",
    *,
    chosen_on: npt.NDArray[np.bool_] | None = None,
) -> dict[int, FoldDecision | None]:
    """For each fold the decision that a rule makes on the other folds' validation rows.

    Args:
        validation: columns fold, label (0 or 1) and raw probability.
        rule: how a threshold is chosen; Youden's without.
        method: how probabilities are calibrated first.
        chosen_on: bool (rows,), which rows may decide; all without.

    Returns:
        by fold; None where the other folds cannot decide: they lack a class, or cannot be calibrated.
    """
    may = np.ones(len(validation), bool) if chosen_on is None else chosen_on
    folds = validation["fold"].to_numpy()
    return {
        int(fold): _decision(validation[(folds != fold) & may], rule, method)
        for fold in np.unique(folds)
    }


def _decision(
    rows: pd.DataFrame, rule: ThresholdRule | None, method: CalibrationMethod
) -> FoldDecision | None:
    if rows["label"].nunique() < 2:
        return None
    labels, probability = rows["label"].to_numpy(), rows["probability"].to_numpy(np.float64)
    try:
        calibration = None if method == "none" else fit_calibration(labels, probability, method)
        decision = FoldDecision(0.5, calibration)
        threshold = choose_threshold(labels, decision.calibrated(probability), rule)
    except ValueError:  # probabilities that fall where truth rises, or a bound that cannot be kept
        return None
    return FoldDecision(threshold, calibration)


def cross_fitted_table(
    validation: pd.DataFrame,
    decisions: Mapping[int, FoldDecision | None],
    metrics: Sequence[str] = PAPER_METRICS,
) -> list[dict[str, Any]]:
    """As :func:`fold_table`, each fold at its own decision; None where there is none."""
    table = validation.copy()
    for fold, decision in decisions.items():
        if decision is not None:
            rows = table["fold"] == fold
            table.loc[rows, "probability"] = decision.calibrated(table.loc[rows, "probability"])
    thresholds = {fold: None if one is None else one.threshold for fold, one in decisions.items()}
    return fold_table(table, thresholds, metrics)
