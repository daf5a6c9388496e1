"""The whole evaluation as files: document, tables, plots for print."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.parts.plain import plain
from pages.parts.review_choice import Review
from vmcore.evaluation import without_names
from vmcore.reporting.review import (
    Evaluated,
    PrintError,
    document,
    evaluate,
    files,
    packed,
    print_plots,
)
from vmcore.runs import provenance


def draw(review: Review) -> None:
    """Draw the view."""
    st.write(
        "The report is one HTML file that needs nothing else: plots, tables with intervals, settings, "
        "split, environment, and what TRIPOD+AI and CLAIM ask. It can be printed to PDF. Images and "
        "subjects appear by number only."
    )
    prevalence = st.number_input(
        "Prevalence for predictive values (%)", 0.1, 50.0, 1.0, 0.1, key="take-prevalence"
    )
    share = prevalence / 100
    token = (*review.token, review.operating.rule, share)
    first, second, third, fourth = st.columns(4)
    first.download_button(
        "Report (HTML)", lambda: document(_evaluated(token, review, share)),
        "ventriscope-evaluation.html", "text/html", icon=":material/description:",
        on_click="ignore", width="stretch", type="primary",
    )  # fmt: skip
    second.download_button(
        "Report and tables (ZIP)", lambda: packed(files(_evaluated(token, review, share))),
        "ventriscope-evaluation.zip", "application/zip", icon=":material/table:",
        on_click="ignore", width="stretch",
    )  # fmt: skip
    third.download_button(
        "Predictions (CSV)", lambda: without_names(review.operating.predictions).to_csv(index=False),
        "ventriscope-predictions.csv", "text/csv", icon=":material/dataset:", on_click="ignore",
        width="stretch",
    )  # fmt: skip
    if fourth.button("Plots for print", icon=":material/print:", width="stretch"):
        _plots(token, review, share)
    st.caption(
        "Tables come as CSV and LaTeX, plots as SVG and as PNG of 300 dots an inch on white. Single "
        "plots can be saved as SVG with the camera in their corner. Without the page: "
        "`python -m train.evaluate`."
    )


@st.cache_data(max_entries=8, show_spinner=False)
def _evaluated(token: tuple[Any, ...], _review: Review, prevalence: float) -> Evaluated:
    del token
    return evaluate(
        _review.operating, provenance(_review.reviewed), split=_review.split, prevalence=prevalence
    )


def _plots(token: tuple[Any, ...], review: Review, prevalence: float) -> None:
    try:
        with st.spinner("Drawing …"):
            pictures = print_plots(_evaluated(token, review, prevalence).plots)
    except PrintError as error:
        st.warning(plain(error), icon=":material/print_disabled:")
        return
    st.download_button(
        f"{len(pictures)} pictures (ZIP)", packed(pictures), "ventriscope-plots.zip",
        "application/zip", icon=":material/download:", on_click="ignore",
    )  # fmt: skip
