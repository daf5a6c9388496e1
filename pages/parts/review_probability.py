"""Whether probabilities hold, and what results are worth where the condition is rarer."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.parts.review_choice import Review
from vmcore.evaluation import (
    calibration_figures,
    operating_point,
    predictive_values,
    reliability,
    rounded,
)
from vmcore.reporting.review import (
    browser_options,
    decision_figure,
    prevalence_figure,
    reliability_figure,
)


def draw(review: Review) -> None:
    """Draw the view."""
    cases = review.cases
    raw = review.reviewed.predictions.cases(review.split)
    mended = review.reading.calibration is not None
    series = {"said by the networks": reliability(raw.labels, raw.probability)}
    sets = {"said by the networks": raw}
    if mended:
        series["calibrated"] = reliability(cases.labels, cases.probability)
        sets["calibrated"] = cases
    left, right = st.columns(2, gap="large")
    left.plotly_chart(
        reliability_figure(series),
        theme=None,
        key="reliability",
        config=browser_options("reliability"),
    )
    rows = []
    for name, each in sets.items():
        found = calibration_figures(each.labels, each.probability)
        rows.append(
            rounded({"probabilities": name, "Brier": found.brier, "ECE": found.ece,
                     "slope": found.slope, "intercept": found.intercept})
        )  # fmt: skip
    left.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch")
    left.caption(
        "Slope 1 and intercept 0 are right; a slope below 1 is too sure, an intercept below 0 says too "
        "much. Choose a calibration above to mend it; it is fitted on validation images only."
    )
    right.plotly_chart(
        decision_figure(cases, None),
        theme=None,
        key="decision",
        config=browser_options("decision-curve"),
    )
    right.caption(
        "Worth acting on where the model's line is above both others. It presumes that probabilities "
        "hold."
    )
    _prevalence(review)


def _prevalence(review: Review) -> None:
    point = operating_point(review.cases, review.reading.threshold)
    specificity = 1 - point.false_rate
    if pd.isna(point.recall) or pd.isna(specificity):
        st.caption("Predictive values need images of both classes.")
        return
    left, right = st.columns([2, 3], gap="large", vertical_alignment="center")
    with left:
        share = st.slider("Prevalence (%)", 0.1, 50.0, 1.0, 0.1, key="prevalence") / 100
        ppv, npv = (float(v) for v in predictive_values(point.recall, specificity, share))
        first, second = st.columns(2)
        first.metric("PPV", "–" if pd.isna(ppv) else f"{ppv:.1%}")
        second.metric("NPV", "–" if pd.isna(npv) else f"{npv:.2%}")
        st.caption(
            f"Of 1,000 fetuses {1000 * share:.0f} would have ventriculomegaly. The model would call "
            f"{1000 * (share * point.recall + (1 - share) * point.false_rate):.0f}, of whom "
            f"{1000 * share * point.recall:.1f} have it, and miss "
            f"{1000 * share * (1 - point.recall):.1f}."
        )
    right.plotly_chart(
        prevalence_figure(point.recall, specificity, share), theme=None, key="predictive-values",
        config=browser_options("predictive-values"),
    )  # fmt: skip
