from .calibration import (
    CalibrationFigures,
    ReliabilityBin,
    calibration_figures,
    fit_calibration,
    reliability,
)
from .case_table import case_table
from .comparison import (
    Comparison,
    compare,
    comparison_rows,
    delong,
    holm,
    mcnemar,
    shared_rows,
)
from .crossfit import (
    TEST_TITLE,
    VALIDATION_TITLE,
    FoldDecision,
    cross_fitted,
    cross_fitted_table,
)
from .curves import CurveBand, pr_band, roc_band
from .intervals import Interval, bca_intervals, wilson
from .metrics import binary_metrics
from .operating import (
    CalibrationMethod,
    OperatingPoint,
    OperatingPredictions,
    apply_operating_point,
    calibration_from_validation,
    operating_point,
    with_rule,
)
from .predictions import (
    CaseSet,
    Predictions,
    PredictionsError,
    Split,
    image_numbers,
    read_predictions,
    without_names,
)
from .resampled import figure_intervals
from .screening import (
    PredictiveCurve,
    net_benefit,
    predictive_curve,
    predictive_values,
)
from .subgroups import severity, subgroup_rows
from .summary import (
    ALL_METRICS,
    PAPER_METRICS,
    fold_table,
    interval_rows,
    rounded,
)
from .thresholds import ThresholdRule, choose_threshold

__all__ = [
    "ALL_METRICS",
    "PAPER_METRICS",
    "TEST_TITLE",
    "VALIDATION_TITLE",
    "CalibrationFigures",
    "CalibrationMethod",
    "CaseSet",
    "Comparison",
    "CurveBand",
    "FoldDecision",
    "Interval",
    "OperatingPoint",
    "OperatingPredictions",
    "Predictions",
    "PredictionsError",
    "PredictiveCurve",
    "ReliabilityBin",
    "Split",
    "ThresholdRule",
    "apply_operating_point",
    "bca_intervals",
    "binary_metrics",
    "calibration_figures",
    "calibration_from_validation",
    "case_table",
    "choose_threshold",
    "compare",
    "comparison_rows",
    "cross_fitted",
    "cross_fitted_table",
    "delong",
    "figure_intervals",
    "fit_calibration",
    "fold_table",
    "holm",
    "image_numbers",
    "interval_rows",
    "mcnemar",
    "net_benefit",
    "operating_point",
    "pr_band",
    "predictive_curve",
    "predictive_values",
    "read_predictions",
    "reliability",
    "roc_band",
    "rounded",
    "severity",
    "shared_rows",
    "subgroup_rows",
    "wilson",
    "with_rule",
    "without_names",
]
