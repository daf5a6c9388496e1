"""Audit: is the trail whole, what stands in it, and how do the answers fare?"""

from __future__ import annotations

from pages.parts.frame import enter_frame

enter_frame("release", title="Audit")  # before what takes long to load

import json
from datetime import UTC, datetime, time, timedelta

import pandas as pd
import streamlit as st

from pages.parts.audit_monitoring import show_monitoring
from pages.parts.plain import plain
from pages.parts.recording import trail
from vmcore import RESEARCH_USE_ONLY
from vmcore.clinic import ACTIONS, AuditError, AuditTrail, audit_csv, audit_table
from vmcore.reporting.spreadsheet import for_spreadsheets
from vmcore.settings import settings

_SHOWN = (
    "sequence", "at", "person", "action", "decision", "decided", "label", "probability", "width_mm", "withheld",
    "in_domain", "device", "threshold", "pixels", "bundle", "anatomy", "details", "hash",
)  # fmt: skip


def main() -> None:
    """Draw the page: the chain's state, then the entries or how the answers fare."""
    if not settings().audit:
        st.info("Nothing is recorded here now (VMCORE_AUDIT).", icon=":material/edit_off:")
    try:
        kept = trail()
        _show_state(kept)
        table = audit_table(kept.entries())
    except AuditError as error:
        st.error(plain(error), icon=":material/error:")
        return
    view = st.segmented_control(
        "View", ["Entries", "Monitoring"], default="Entries", required=True, key="audit-view",
        label_visibility="collapsed",
    )  # fmt: skip
    chosen = _filtered(table, by_action=view == "Entries")
    if chosen.empty:
        st.info("Nothing is recorded of that.", icon=":material/search_off:")
    elif view == "Entries":
        _show_entries(chosen)
    else:
        show_monitoring(chosen)
    st.caption(RESEARCH_USE_ONLY)


def _show_state(kept: AuditTrail) -> None:
    """Whether the chain holds, asked anew at each visit, and the hash to note elsewhere."""
    findings, newest = kept.check(), kept.newest()
    if findings:
        st.error("**The audit trail is not whole.**", icon=":material/link_off:")
        for finding in findings:
            st.markdown(f"- {plain(finding)}")
    elif newest is None:
        st.info("Nothing has been recorded so far.", icon=":material/link:")
    else:
        st.success(
            f"The chain is whole: {newest.sequence:,} entries, none changed, missing or moved.",
            icon=":material/link:",
        )
    if newest is not None:
        st.caption(
            f"Newest entry {newest.sequence}, hash `{plain(newest.hash)}`. Who notes it elsewhere can "
            "tell later that nothing before it was made anew."
        )


def _filtered(table: pd.DataFrame, *, by_action: bool) -> pd.DataFrame:
    """The entries that are asked for, by time, person and, where that makes sense, action."""
    first, second, third = st.columns(3)
    today = datetime.now(UTC).date()
    start = table["at"].min().date() if len(table) else today
    days = first.date_input("From and to (UTC)", (start, max(today, start)), key="audit-days")
    people = second.multiselect(
        "Person", sorted(table["person"].unique()), key="audit-people", placeholder="All"
    )
    actions = (
        third.multiselect("Action", ACTIONS, key="audit-actions", placeholder="All")
        if by_action
        else []
    )
    begin, end = days if isinstance(days, tuple) and len(days) == 2 else (start, today)
    since = datetime.combine(begin, time.min, UTC)
    until = datetime.combine(end, time.min, UTC) + timedelta(days=1)
    kept = (table["at"] >= since) & (table["at"] < until)
    if actions:
        kept &= table["action"].isin(actions)
    if people:
        kept &= table["person"].isin(people)
    return table[kept]


def _decided(details: str) -> str:
    """What a person called the picture, as in normal 9.5 mm; empty where nobody did."""
    noted = json.loads(details)
    made = noted.get("decided") or {}
    label, width = made.get("label") or noted.get("label") or "", made.get("width_mm")
    return label if width is None else f"{label} {width:.1f} mm".strip()


def _show_entries(chosen: pd.DataFrame) -> None:
    shown = chosen.assign(decided=chosen["details"].map(_decided)).iloc[::-1][list(_SHOWN)]
    st.dataframe(
        shown,
        hide_index=True,
        placeholder="",
        height=420,
        column_config={
            "sequence": st.column_config.NumberColumn("no.", format="%d"),
            "at": st.column_config.DatetimeColumn("time (UTC)", format="YYYY-MM-DD HH:mm:ss"),
            "decided": st.column_config.TextColumn(width=150),
            "label": st.column_config.TextColumn("classifier"),
            "probability": st.column_config.NumberColumn(format="%.3f"),
            "width_mm": st.column_config.NumberColumn("width, mm", format="%.1f"),
        },
    )
    st.download_button(
        f"CSV of these {len(chosen):,} entries",
        lambda: for_spreadsheets(audit_csv(chosen)),
        "ventriscope-audit.csv",
        "text/csv",
        icon=":material/table:",
        on_click="ignore",
    )


main()
