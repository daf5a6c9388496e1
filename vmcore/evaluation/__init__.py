"""What predictions are worth: metrics and thresholds."""

from vmcore.evaluation.metrics import binary_metrics, youden_threshold

__all__ = ["binary_metrics", "youden_threshold"]
