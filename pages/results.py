"""Results: a model's figures with their uncertainty, its curves, its cases, and other models."""

from __future__ import annotations

from pages.parts.frame import enter_frame

enter_frame("review", title="Results")  # before what takes long to load


from collections.abc import Callable

import streamlit as st

from pages.parts import (
    review_cases,
    review_compare,
    review_figures,
    review_gallery,
    review_probability,
    review_take_away,
)
from pages.parts.identity import stay
from pages.parts.plain import plain
from pages.parts.review_choice import Review, choose_operating, choose_reviewed
from vmcore.evaluation import PredictionsError
from vmcore.models import BundleError
from vmcore.runs import RunError

_VIEWS: dict[str, tuple[str, Callable[[Review], None]]] = {
    "figures": (":material/monitoring: Figures", review_figures.draw),
    "probability": (":material/balance: Probabilities", review_probability.draw),
    "cases": (":material/image_search: Cases", review_cases.draw),
    "gallery": (":material/grid_view: Gallery", review_gallery.draw),
    "compare": (":material/compare_arrows: Compare", review_compare.draw),
    "take": (":material/download: Take away", review_take_away.draw),
}


def main() -> None:
    """Draw the page; model, split and view stand in the address, so a reload keeps them."""
    try:
        reviewed = choose_reviewed()
    except (RunError, BundleError, PredictionsError) as error:
        st.error(plain(error), icon=":material/error:")
        return
    if reviewed is not None:
        st.fragment(_review)(reviewed.key)


def _review(key: str) -> None:
    """Everything below the choice of the model; moving the threshold draws only this anew."""
    stay("review")
    try:
        review = choose_operating(key)
        view = st.segmented_control(
            "View", list(_VIEWS), format_func=lambda name: _VIEWS[name][0], required=True,
            default=_asked(), label_visibility="collapsed", key="results-view",
        )  # fmt: skip
        st.query_params["view"] = view
        _VIEWS[view][1](review)
    except (RunError, BundleError, PredictionsError) as error:
        st.error(plain(error), icon=":material/error:")


def _asked() -> str:
    asked = st.query_params.get("view", "figures")
    return asked if asked in _VIEWS else "figures"


main()
