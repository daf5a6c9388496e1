"""The audit page's view of how the answers fare."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from vmcore.clinic import (
    device_figure,
    drift_figure,
    outcome_figure,
    outcomes_by_device,
    outcomes_by_week,
    weekly_drift,
)

_QUIET_BAR = {"displayModeBar": False}


def show_monitoring(table: pd.DataFrame) -> None:
    """What people decided by week and by device, and whether pictures and probabilities drift.

    Args:
        table: of :func:`vmcore.clinic.audit.table`, or some of its rows.
    """
    weeks = outcomes_by_week(table)
    if weeks.empty:
        st.info("No answer is recorded of that.", icon=":material/search_off:")
        return
    decided = int(weeks[["accepted", "corrected", "rejected"]].to_numpy().sum())
    figures = st.columns(4)
    figures[0].metric("Answers", f"{int(weeks['answers'].sum()):,}")
    figures[1].metric("Decided", f"{decided:,}")
    for place, name in ((2, "accepted"), (3, "withheld")):
        whole = decided if name == "accepted" else int(weeks["answers"].sum())
        share = f"{weeks[name].sum() / whole:.0%}" if whole else "–"
        label = "Accepted of those" if name == "accepted" else "Without a verdict"
        figures[place].metric(label, share)
    left, right = st.columns(2, gap="large")
    left.plotly_chart(outcome_figure(weeks), config=_QUIET_BAR, width="stretch")
    devices = device_figure(outcomes_by_device(table))
    right.plotly_chart(devices, config=_QUIET_BAR, width="stretch")
    st.plotly_chart(drift_figure(weekly_drift(table)), config=_QUIET_BAR, width="stretch")
    st.caption(
        "Each picture counts once for each version of the models, with its last answer and decision, in the "
        "week (UTC) in which it was first answered."
    )
