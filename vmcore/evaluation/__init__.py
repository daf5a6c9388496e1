"""Evaluation: the paper's metrics, thresholds, tables over folds."""

from vmcore.evaluation.metrics import binary_metrics, youden_threshold
from vmcore.evaluation.summary import PAPER_METRICS, fold_table, rounded

__all__ = ["PAPER_METRICS", "binary_metrics", "fold_table", "rounded", "youden_threshold"]
