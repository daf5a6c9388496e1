"""Whether probabilities hold, and what results are worth where the condition is rarer."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from pages.parts.review_choice import Review
from pages.parts.table import show_table
from vmcore.evaluation import (
    PredictiveCurve,
    calibration_figures,
    predictive_curve,
    reliability,
    rounded,
)
from vmcore.reporting import shown_table
from vmcore.reporting.review import (
    PREVALENCES,
    browser_options,
    decision_figure,
    ends_in_percent,
    prevalence_figure,
    reliability_figure,
)


def draw(review: Review) -> None:
    """Draw the view."""
    cases = review.cases
    raw = review.reviewed.predictions.cases(review.split)
    calibrated = review.operating.calibration is not None
    series = {"said by the networks": reliability(raw.labels, raw.probability)}
    sets = {"said by the networks": raw}
    if calibrated:
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
    with left:
        show_table(shown_table(rows))
    left.caption(
        "Slope 1 and intercept 0 are right; a slope below 1 is too sure, an intercept below 0 says too "
        "much. Choose a calibration above to correct it; it is fitted on validation images only."
    )
    right.plotly_chart(
        decision_figure(cases, None),
        theme=None,
        key="decision",
        config=browser_options("decision-curve"),
    )
    right.caption(
        "Net benefit in true positives a person, over the probability from which one would act: worth "
        "acting on where the model's line is above both others. It presumes that probabilities hold."
    )
    _prevalence(review)


def _prevalence(review: Review) -> None:
    if not 0 < review.cases.labels.sum() < len(review.cases):
        st.caption("Predictive values and net benefit need images of both classes.")
        return
    left, right = st.columns([2, 3], gap="large", vertical_alignment="center")
    with left:
        share = st.slider("Prevalence (%)", 0.1, 50.0, 1.0, 0.1, key="prevalence") / 100
        here = _curve(review.token, review, (share,))
        _values(here, share, review.judged_by)
    right.plotly_chart(
        prevalence_figure(_curve(review.token, review, tuple(PREVALENCES)), here), theme=None,
        key="predictive-values", config=browser_options("predictive-values"),
    )  # fmt: skip


def _values(here: PredictiveCurve, share: float, judged_by: str) -> None:
    first, second = st.columns(2)
    for column, name, (value,), method in (
        (first, "PPV", here.ppv, here.ppv_method),
        (second, "NPV", here.npv, here.npv_method),
    ):
        column.metric(name, "–" if pd.isna(value.estimate) else f"{value.estimate:.1%}")
        column.caption(f"95 %: {ends_in_percent(value)} ({method})")
    found, well = here.sensitivity.estimate, here.specificity.estimate
    st.caption(
        f"Of 1,000 fetuses {1000 * share:.0f} would have ventriculomegaly. The model ({judged_by}) "
        f"would call {1000 * (share * found + (1 - share) * (1 - well)):.0f}, of whom "
        f"{1000 * share * found:.1f} have it, and miss {1000 * share * (1 - found):.1f}."
    )


@st.cache_data(max_entries=64, show_spinner=False)
def _curve(
    token: tuple[Any, ...], _review: Review, prevalence: tuple[float, ...]
) -> PredictiveCurve:
    del token
    return predictive_curve(_review.cases, _review.operating.threshold, prevalence)
