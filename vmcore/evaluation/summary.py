"""Tables over predictions: one row an image and a fold, judged fold by fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from vmcore.evaluation.intervals import RESAMPLES, Interval
from vmcore.evaluation.metrics import binary_metrics
from vmcore.evaluation.predictions import CaseSet
from vmcore.evaluation.resampled import figure_intervals

PAPER_METRICS = ("accuracy", "precision", "recall", "specificity", "f1", "auc")
ALL_METRICS = (*PAPER_METRICS, "balanced_accuracy", "mcc", "npv", "average_precision")

_WITHOUT_THRESHOLD = {"auc", "average_precision"}


def fold_table(
    predictions: pd.DataFrame,
    threshold: float | Mapping[int, float | None],
    metrics: Sequence[str] = PAPER_METRICS,
) -> list[dict[str, Any]]:
    """Figures of each fold, their mean and their standard deviation, as in Tables 2 and 3.

    A fold that has no value of a figure (none of its class, say) is left out of that figure's mean.

    Args:
        predictions: columns fold, label (0 or 1), probability; of one split.
        threshold: from which a probability counts as ventriculomegaly; one for all, or by fold,
            None where a fold has none (figures that need one are then None).
        metrics: which figures; the paper's six without.

    Returns:
        rows with fold, images and the figures, rounded to 4 places; None for nan.
    """
    rows: list[dict[str, Any]] = []
    for fold, part in predictions.groupby("fold"):
        own = threshold.get(int(str(fold))) if isinstance(threshold, Mapping) else threshold
        figures = binary_metrics(part["label"], part["probability"], 0.5 if own is None else own)
        if own is None:
            figures |= {key: float("nan") for key in figures if key not in _WITHOUT_THRESHOLD}
        rows.append({"fold": str(fold), "images": len(part)} | {k: figures[k] for k in metrics})
    values = {key: np.array([row[key] for row in rows], float) for key in metrics}
    known = {key: each[~np.isnan(each)] for key, each in values.items()}
    total = sum(row["images"] for row in rows)
    spread = {
        key: float(each.std(ddof=1)) if len(each) > 1 else float("nan")
        for key, each in known.items()
    }
    mean = {key: float(each.mean()) if len(each) else float("nan") for key, each in known.items()}
    rows.append({"fold": "mean", "images": total} | mean)
    rows.append({"fold": "SD", "images": total} | spread)
    return [rounded(row) for row in rows]


def interval_rows(
    cases: CaseSet, threshold: float, *, resamples: int = RESAMPLES
) -> list[dict[str, Any]]:
    """Every figure with its 95 % intervals, a row a figure.

    Returns:
        figure; "mean over folds" with "95 % (BCa)" over subjects; "together", all cases by their
        probability, with the same and, for proportions, "95 % (Wilson)".
    """
    found = figure_intervals(cases, threshold, resamples=resamples)
    rows = []
    for name in ALL_METRICS:
        mean, together = found.mean[name], found.together[name]
        simple = found.wilson.get(name)
        rows.append(
            {
                "figure": name.replace("_", " "),
                "mean over folds": mean.estimate,
                "95 % (BCa, subjects)": ends(mean),
                "together": together.estimate,
                "together, 95 % (BCa, subjects)": ends(together),
                "together, 95 % (Wilson, images)": ends(simple) if simple else "",
            }
        )
    return [rounded(row) for row in rows]


def ends(interval: Interval) -> str:
    """An interval's two ends; a dash where there are none."""
    if np.isnan(interval.low):
        return "–"
    return f"{interval.low:.3f} to {interval.high:.3f}"


def rounded(row: dict[str, Any]) -> dict[str, Any]:
    """A row fit for JSON: floats to 4 places, nan as None."""

    def tidy(value: Any) -> Any:
        if isinstance(value, float):
            return None if np.isnan(value) else round(value, 4)
        return value

    return {key: tidy(value) for key, value in row.items()}
