"""Every plot of predictions at an operating point, by name, for documents and print."""

from __future__ import annotations

import plotly.graph_objects as go

from vmcore.evaluation import (
    OperatingPredictions,
    Split,
    operating_point,
    pr_band,
    predictive_curve,
    reliability,
    roc_band,
)
from vmcore.reporting.review.operating import confusion_figure, pr_figure, roc_figure
from vmcore.reporting.review.probability import (
    PREVALENCES,
    decision_figure,
    prevalence_figure,
    reliability_figure,
)


def all_plots(
    operating: OperatingPredictions, split: Split, prevalence: float
) -> dict[str, go.Figure]:
    """ROC, precision-recall, confusion matrix, reliability, decision curve, predictive values.

    Args:
        operating: predictions with threshold and calibration.
        split: which.
        prevalence: share of ventriculomegaly where the model is to be used.
    """
    cases = operating.cases(split)
    point = operating_point(cases, operating.threshold)
    figures = {
        "roc": roc_figure(roc_band(cases), point, f"ROC, {split}"),
        "precision-recall": pr_figure(
            pr_band(cases), point, float(cases.labels.mean()), f"Precision–recall, {split}"
        ),
        "confusion": confusion_figure(point, len(cases.folds)),
        "reliability": reliability_figure(
            {"said by the model": reliability(cases.labels, cases.probability)}
        ),
        "decision-curve": decision_figure(cases, None),
    }
    if 0 < cases.labels.sum() < len(cases):
        curve = predictive_curve(cases, operating.threshold, PREVALENCES)
        here = predictive_curve(cases, operating.threshold, [prevalence])
        figures["predictive-values"] = prevalence_figure(curve, here)
    return figures
