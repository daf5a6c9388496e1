"""Let a run's model answer on the classify page, see who did so before, and go back."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.parts.identity import ask_for_name
from pages.parts.plain import plain
from vmcore.models import BundleError
from vmcore.runs import (
    BUNDLED,
    RunError,
    RunFolder,
    bundle_in_use,
    promote,
    promotions,
    roll_back,
)


def draw_promotion(folder: RunFolder) -> None:
    """Draw the form that promotes a finished run."""
    with st.form(f"promote-{folder.run_id}", border=True):
        st.markdown("**Use this model on the classify page**")
        who = ask_for_name("promote-who")
        why = st.text_input("Why", placeholder="better recall on our own scans")
        if st.form_submit_button("Promote", icon=":material/publish:", type="primary"):
            try:
                made = promote(folder.run_id, why=why, who=who)
            except (RunError, BundleError) as error:
                st.error(plain(error), icon=":material/error:")
            else:
                st.success(
                    f"{plain(made.name)} answers from now on.", icon=":material/check_circle:"
                )


def draw_registry() -> None:
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
        rows = [
            {"when": c.when, "who": c.who, "model": c.name, "why": c.why, "run": c.run_id[:6]}
            for c in changes
        ]
        st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch")
        if now.run_id != BUNDLED and st.button("Roll back", icon=":material/undo:"):
            try:
                made = roll_back(why=f"rolled back from {now.name}")
            except (RunError, BundleError) as error:
                st.error(plain(error), icon=":material/error:")
            else:
                st.toast(f"{plain(made.name)} answers again.")
                st.rerun(scope="app")
