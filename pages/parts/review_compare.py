"""The model beside others: tables, tests on the same cases, and the cases where two disagree."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.parts.plain import plain
from pages.parts.review_cases import browse, case_panel
from pages.parts.review_choice import Review, load_reviewed, reviewables
from pages.parts.table import show_table
from vmcore.evaluation import (
    Comparison,
    PredictionsError,
    case_table,
    compare,
    comparison_rows,
)
from vmcore.evaluation.published import NOT_COMPARABLE, SOURCE
from vmcore.models import BundleError
from vmcore.reporting import shown_table
from vmcore.reporting.review import model_table, published_table
from vmcore.runs import RunError


def draw(review: Review) -> None:
    """Draw the view."""
    listed = {key: one.name for key, one in reviewables().items() if key != review.reviewed.key}
    if not listed:
        st.info(
            "There is no other model yet. Train one, or a baseline, on the page Training.",
            icon=":material/model_training:",
        )
        return
    asked = [key for key in st.query_params.get_all("with") if key in listed]
    chosen = st.multiselect(
        "Compare with", list(listed), default=asked, format_func=listed.__getitem__,
        key="compare-with",
    )  # fmt: skip
    st.query_params["with"] = chosen
    others = _opened(review, chosen)
    st.markdown("**Mean ± SD over folds, per cent**")
    models = [review.operating, *(other.operating for other in others)]
    show_table(shown_table(model_table(models, review.split)))
    with st.expander("Published figures, for reference", icon=":material/menu_book:"):
        show_table(shown_table(published_table(review.split)))
        st.caption(f"{SOURCE}. {NOT_COMPARABLE}")
    comparable = _tests(review, others)
    if comparable:
        _disagreements(review, comparable)


def _opened(review: Review, keys: list[str]) -> list[Review]:
    found = []
    for key in keys:
        try:
            reviewed = load_reviewed(key)
            if review.split not in reviewed.predictions.splits():
                raise PredictionsError(f"{reviewed.name} has no {review.split} predictions.")
        except (RunError, BundleError, PredictionsError) as error:
            st.warning(plain(error), icon=":material/warning:")
            continue
        operating = reviewed.operating()
        found.append(Review(reviewed, operating, review.split))
    return found


def _tests(review: Review, others: list[Review]) -> list[Review]:
    comparisons: dict[str, Comparison] = {}
    comparable = []
    for other in others:
        name = other.reviewed.name
        if other.reviewed.population != review.reviewed.population:
            st.caption(f":orange[:material/warning: {plain(name)} was judged on other images.]")
            continue
        try:
            comparisons[name] = _compared((review.token, other.token), review, other)
        except PredictionsError as error:
            st.caption(f":orange[:material/warning: {plain(name)}: {plain(error)}]")
            continue
        comparable.append(other)
    if comparisons:
        st.markdown("**On the same cases**")
        show_table(comparison_rows(comparisons))
        st.caption(
            "Differences are this model minus the other, with 95 % intervals. AUC: DeLong; decisions: "
            "McNemar's exact test; F1: bootstrap. In all three the images of one subject count as belonging "
            "together. P-values are corrected for their number (Holm)."
        )
    return comparable


@st.cache_data(max_entries=64, show_spinner="Comparing …")
def _compared(token: tuple[Any, ...], _review: Review, _other: Review) -> Comparison:
    del token
    return compare(
        _review.cases, _other.cases, (_review.operating.threshold, _other.operating.threshold)
    )


def _disagreements(review: Review, others: list[Review]) -> None:
    names = {other.reviewed.key: other for other in others}
    key = st.selectbox(
        "Cases where it disagrees with", list(names),
        format_func=lambda one: names[one].reviewed.name, key="disagree-with",
    )  # fmt: skip
    other = names[key]
    own, theirs = (case_table(one.operating, one.split) for one in (review, other))
    theirs = theirs.set_index("image")
    called = {
        image: kind in {"true positive", "false positive"} for image, kind in theirs["kind"].items()
    }
    mine = own["kind"].isin(["true positive", "false positive"])
    apart = own[own["image"].map(called).notna() & (own["image"].map(called) != mine)]
    apart = apart.reset_index(drop=True)
    if apart.empty:
        st.caption("The two decide alike everywhere.")
        return
    row = browse(apart, f"{review.token}-{other.token}")
    case_panel(review, row, name=f"· {plain(review.reviewed.name)}")
    second = theirs.loc[row["image"]].copy()
    second["image"] = row["image"]
    case_panel(other, second, name=f"· {plain(other.reviewed.name)}")
