"""The paper's six metrics and their neighbours, with every edge case defined."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn import metrics

Labels = npt.ArrayLike
Counts = npt.NDArray[np.float64]


def binary_metrics(
    y_true: Labels, probability: npt.ArrayLike, threshold: float = 0.5
) -> dict[str, float]:
    """Score probabilities of ventriculomegaly against truth.

    Args:
        y_true: (N,), 0 normal, 1 ventriculomegaly.
        probability: (N,), in [0, 1].
        threshold: a probability of at least this is called ventriculomegaly.

    Returns:
        accuracy, precision, recall, specificity, f1, auc, balanced_accuracy, mcc, npv,
        average_precision, and the counts tp, fp, tn, fn. A ratio whose denominator is zero is
        0 for precision and f1 (as in scikit-learn) and nan for recall, specificity, npv, auc and
        average_precision, where nothing could be right or wrong.

    Raises:
        ValueError: empty, of different lengths, not 0/1, NaN, or outside [0, 1].
    """
    truth, values = checked(y_true, probability)
    called = (values >= threshold).astype(int)
    tn, fp, fn, tp = (
        int(v) for v in metrics.confusion_matrix(truth, called, labels=[0, 1]).ravel()
    )
    both = 0 < truth.sum() < len(truth)
    areas = {
        "auc": float(metrics.roc_auc_score(truth, values)) if both else float("nan"),
        "average_precision": (
            float(metrics.average_precision_score(truth, values)) if truth.any() else float("nan")
        ),
    }
    counted = ratios(*(np.array(float(count)) for count in (tp, fp, tn, fn)))
    counts = {"tp": tp, "fp": fp, "tn": tn, "fn": fn}
    return {name: float(value) for name, value in counted.items()} | areas | counts


def ratios(tp: Counts, fp: Counts, tn: Counts, fn: Counts) -> dict[str, Counts]:
    """Every figure that follows from counts of any shape; edge cases as :func:`binary_metrics`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        recall, specificity = tp / (tp + fn), tn / (tn + fp)
        chosen = tp + fp
        spread = np.sqrt(chosen * (tp + fn) * (tn + fp) * (tn + fn))
        return {
            "accuracy": (tp + tn) / (tp + fp + tn + fn),
            "precision": np.where(chosen > 0, tp / chosen, 0.0),
            "recall": recall,
            "specificity": specificity,
            "f1": np.where(tp > 0, 2 * tp / (2 * tp + fp + fn), 0.0),
            "balanced_accuracy": (recall + specificity) / 2,
            "mcc": np.where(spread > 0, (tp * tn - fp * fn) / spread, 0.0),
            "npv": tn / (tn + fn),
        }


def checked(
    y_true: Labels, probability: npt.ArrayLike
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Truth and probabilities as arrays, or ValueError with what is wrong."""
    truth, values = np.asarray(y_true), np.asarray(probability, np.float64)
    if truth.ndim != 1 or truth.shape != values.shape or not len(truth):
        raise ValueError(
            f"Truth and probability must be two lists of the same length, not {truth.shape} "
            f"and {values.shape}."
        )
    if not np.isin(truth, (0, 1)).all():
        raise ValueError("Truth must be 0 (normal) or 1 (ventriculomegaly).")
    if np.isnan(values).any():
        raise ValueError("A probability is not a number.")
    if values.min() < 0 or values.max() > 1:
        raise ValueError("Probabilities must lie between 0 and 1.")
    return truth.astype(np.int64), values
