"""Tables over predictions: one row an image and a fold, judged fold by fold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from vmcore.evaluation.metrics import binary_metrics

PAPER_METRICS = ("accuracy", "precision", "recall", "specificity", "f1", "auc")


def fold_table(predictions: pd.DataFrame, threshold: float) -> list[dict[str, Any]]:
    """Figures of each fold, their mean and their standard deviation, as in Tables 2 and 3.

    Args:
        predictions: columns fold, label (0 or 1), probability; of one split.
        threshold: from which a probability counts as ventriculomegaly.

    Returns:
        rows with fold, images and the paper's six metrics, rounded to 4 places; None for nan.
    """
    rows: list[dict[str, Any]] = []
    for fold, part in predictions.groupby("fold"):
        figures = binary_metrics(part["label"], part["probability"], threshold)
        rows.append(
            {"fold": str(fold), "images": len(part)} | {k: figures[k] for k in PAPER_METRICS}
        )
    values = {key: np.array([row[key] for row in rows], float) for key in PAPER_METRICS}
    total = sum(row["images"] for row in rows)
    spread = {
        key: float(each.std(ddof=1)) if len(each) > 1 else float("nan")
        for key, each in values.items()
    }
    rows.append(
        {"fold": "mean", "images": total} | {key: float(e.mean()) for key, e in values.items()}
    )
    rows.append({"fold": "SD", "images": total} | spread)
    return [rounded(row) for row in rows]


def rounded(row: dict[str, Any]) -> dict[str, Any]:
    """A row fit for JSON: floats to 4 places, nan as None."""

    def tidy(value: Any) -> Any:
        if isinstance(value, float):
            return None if np.isnan(value) else round(value, 4)
        return value

    return {key: tidy(value) for key, value in row.items()}
