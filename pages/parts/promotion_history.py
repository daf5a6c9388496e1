"""Which model answers on the classify page, which did before, and the way back."""

from __future__ import annotations

import streamlit as st

from pages.parts.plain import plain
from pages.parts.table import show_table
from vmcore.models import BundleError
from vmcore.runs import BUNDLED, Promotion, RunError, bundle_in_use, promotions, roll_back


def draw_promotions() -> None:
    """Draw the history of promotions, and what is unsure about the model in use.

    Raises:
        RunError: the registry does not answer.
    """
    concern = bundle_in_use().concern
    if concern:
        st.warning(plain(concern), icon=":material/sync_problem:")
    changes = promotions()
    if not changes:
        return
    now = changes[0]
    with st.expander(f"In use on the classify page: {plain(now.name)}", icon=":material/history:"):
        if now.run_id != BUNDLED:
            _draw_way_back(now)
        rows = [
            {
                "when": c.when, "who": c.who, "model": c.name, "why": c.why, "old cases": c.check,
                "worse, accepted because": c.accepted, "run": c.run_id[:6],
            }
            for c in changes
        ]  # fmt: skip
        show_table(rows)


def _draw_way_back(now: Promotion) -> None:
    with st.popover("Roll back", icon=":material/undo:"):
        st.write(f"The model that answered before {plain(now.name)} will answer again.")
        # by the promotion: a press that arrives when another model answers is no press
        if not st.button(
            "Yes, roll back", type="primary", key=f"roll-back-{now.run_id}-{now.when}"
        ):
            return
        try:
            made = roll_back(why=f"rolled back from {now.name}", expected=now.run_id)
        except (RunError, BundleError) as error:
            st.error(plain(error), icon=":material/error:")
        else:
            st.toast(f"{plain(made.name)} answers again.")
            st.rerun(scope="app")
