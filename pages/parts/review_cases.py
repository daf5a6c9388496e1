"""Case by case: false negatives first, each with image, heatmap, folds and what is known of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from pages.parts.case_picture import as_prediction, case_tile
from pages.parts.review_choice import Review
from pages.parts.table import show_table
from vmcore.evaluation import case_table
from vmcore.reporting import blend, decimal, fold_strip

_KINDS = ("false negative", "false positive", "true positive", "true negative")
_TONES = {"false": "red", "true": "green"}
_LISTED = 300


def draw(review: Review) -> None:
    """Draw the view."""
    table = case_table(review.operating, review.split)
    counts = table["kind"].value_counts()
    kinds = st.pills(
        "Show", _KINDS, selection_mode="multi", default=None, key="case-kinds",
        format_func=lambda kind: f"{kind}s · {counts.get(kind, 0):,}",
    )  # fmt: skip
    if kinds:
        table = table[table["kind"].isin(kinds)].reset_index(drop=True)
    if table.empty:
        st.caption("None.")
        return
    row = browse(table, f"{review.token}-{kinds}")
    case_panel(review, row)
    with st.expander(f"The list ({min(len(table), _LISTED):,} of {len(table):,})"):
        show_table(table.head(_LISTED))


def browse(table: pd.DataFrame, place: str) -> pd.Series:
    """Draw previous and next, also by the keys P and N; returns the row that is looked at."""
    if st.session_state.get("case-list") != place:
        st.session_state["case-list"] = place
        st.session_state["case-place"] = 0
    at = min(st.session_state["case-place"], len(table) - 1)

    def step(by: int) -> None:
        st.session_state["case-place"] = (at + by) % len(table)

    first, second, third = st.columns([2, 2, 5], vertical_alignment="center")
    first.button(
        "Previous", icon=":material/arrow_back:", shortcut="P", on_click=step, args=(-1,),
        width="stretch",
    )  # fmt: skip
    second.button(
        "Next", icon=":material/arrow_forward:", shortcut="N", on_click=step, args=(1,),
        width="stretch",
    )  # fmt: skip
    third.caption(f"{at + 1:,} of {len(table):,}, the surest first")
    return table.iloc[at]


def case_panel(review: Review, row: pd.Series, *, name: str = "") -> None:
    """Draw one case: image, heatmap, folds, and what is known of it."""
    colour = _TONES[row["kind"].split()[0]]
    st.markdown(f"##### :{colour}[{row['kind'].capitalize()}] {name}")
    folds = {
        title.removeprefix("fold "): float(value)
        for title, value in row.items()
        if str(title).startswith("fold ") and not np.isnan(value)
    }
    fold = int(next(iter(folds))) if review.split == "validation" else None
    with st.spinner("Looking …", show_time=False):
        tile = case_tile(review.reviewed.key, str(row["image"]), fold)
    left, middle, right = st.columns(3, gap="medium")
    if tile is None:
        left.info(
            "This picture is not on this machine. Pictures of the bundled model's data are read from "
            "the folder that VMCORE_IMAGES names.",
            icon=":material/hide_image:",
        )
    else:
        left.image(tile.image, caption="cleaned", width="stretch")
        middle.image(
            blend(tile.image, tile.heatmap), width="stretch",
            caption="where the model looked" + ("" if fold is None else f" (fold {fold})"),
        )  # fmt: skip
    with right:
        prediction = as_prediction(
            float(row["probability"]), list(folds.values()), review.operating.threshold
        )
        st.plotly_chart(
            fold_strip(prediction), config={"displayModeBar": False}, key=f"strip-{name}",
            width="stretch",
        )  # fmt: skip
        known = {"truth": row["label"], "probability": decimal(float(row["probability"]))}
        known |= {f"fold {fold}": decimal(value) for fold, value in folds.items()}
        said = {"kind", "label", "probability"}
        known |= {
            str(key): str(value)
            for key, value in row.items()
            if key not in said and not str(key).startswith("fold ") and not pd.isna(value)
        }
        st.dataframe(pd.DataFrame({"": known}), width="stretch")
