"""Let a run's model answer on the classify page."""

from __future__ import annotations

import streamlit as st

from pages.parts.identity import ask_for_name
from pages.parts.plain import plain
from pages.parts.promotion_check import draw_check, last_check, note_check
from vmcore.models import BundleError
from vmcore.runs import RunError, RunFolder, WorseCasesError, promote


def draw_promotion(folder: RunFolder) -> None:
    """Draw the form that promotes a finished run."""
    if said := st.session_state.pop(_said(folder.run_id), None):
        st.success(said[0], icon=":material/check_circle:")
        if said[1]:
            st.caption(said[1])
    run_id = folder.run_id
    kept, bound = draw_check(run_id)
    with st.form(f"promote-{run_id}", border=True):
        st.markdown("**Use this model on the classify page**")
        who = ask_for_name("promote-who")
        why = st.text_input("Why", placeholder="better recall on our own scans")
        accepted = ""
        if kept:
            accepted = st.text_input(
                "Where old cases get worse: why it may answer nevertheless", max_chars=500,
                placeholder="two of the three were labelled wrongly",
            )  # fmt: skip
        if st.form_submit_button("Promote", icon=":material/publish:", type="primary"):
            _promote(run_id, why, who, bound, accepted)


def _promote(run_id: str, why: str, who: str | None, bound: float, accepted: str) -> None:
    known = last_check(run_id)
    try:
        made = promote(run_id, why=why, who=who, bound=bound, accepted=accepted)
    except WorseCasesError as error:
        note_check(run_id, error.check)
        if known != error.check:
            st.rerun()  # shows the cases, and asks why
        st.error(plain(error), icon=":material/error:")
    except (RunError, BundleError) as error:
        st.error(plain(error), icon=":material/error:")
    else:
        st.session_state[_said(run_id)] = (
            f"{plain(made.name)} answers from now on.",
            plain(made.check),
        )
        st.rerun(
            scope="app"
        )  # what stands beside it tells which model is in use, and takes it back


def _said(run_id: str) -> str:
    return f"promoted-{run_id}"
