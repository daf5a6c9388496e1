"""The list of what came in from the DICOM network: it refreshes itself, and one click opens a scan."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.parts.identity import stay
from pages.parts.received import open_received
from pages.parts.refreshing import refreshing
from pages.parts.scan_list import MOST_TO_LEARN, TONE_COLOURS
from pages.parts.uploads import Uploads
from vmcore.clinic.network import Answers, Inbox, Judged, Received, most_to_learn, worklist
from vmcore.reporting import NO_VERDICT
from vmcore.reporting.colours import AMBER, QUIET

_EVERY_S = 2.0
_ORDERS = ("Newest first", MOST_TO_LEARN)
_MOST = 500  # the newest
_ROW_PX, _MOST_ROWS = 35, 12
_WORDS = {
    Judged.BEGUN: "being judged",
    Judged.ANSWERED: "judged",
    Judged.REFUSED: "no scan",
    Judged.FAILED: "failed",
}


def show_received() -> None:
    """Draw the list, anew every other second."""
    refreshing(_draw, _EVERY_S)()


def _draw() -> None:
    stay("classify")
    rows = worklist(Inbox(), Answers())
    if not rows:
        st.info("Nothing has come in so far.", icon=":material/inbox:")
        return
    waiting = sum(row.answer is None or row.answer.state is Judged.BEGUN for row in rows)
    said = f"{len(rows):,} received, {waiting:,} of them not judged yet."
    learning = st.session_state.get("worklist order") == MOST_TO_LEARN
    if len(rows) > _MOST and not learning:
        said += f" The newest {_MOST} are shown."
    left, right = st.columns([3, 1], vertical_alignment="center")
    left.caption(f"{said} Click a row to open the scan.")
    order = right.selectbox("Order", _ORDERS, key="worklist order", label_visibility="collapsed")
    if order == MOST_TO_LEARN:
        worth = most_to_learn(rows, _decided(rows))
        left.caption(
            "Scans that nobody has decided about in this session or kept for training, by what a label would "
            "teach the model."
            + (f" The first {_MOST} of {len(worth):,} are shown." if len(worth) > _MOST else "")
        )
        if not worth:
            st.info(
                "No scan here has been judged that nobody has decided about.",
                icon=":material/inbox:",
            )
        else:
            shown = worth[:_MOST]
            _table([row for row, _ in shown], [value.reason for _, value in shown])
    else:
        _table(rows[:_MOST])


def _decided(rows: list[Received]) -> set[str]:
    """Names of instances that somebody decided about: in this session, or kept for training."""
    uploads: Uploads | None = st.session_state.get("uploaded")
    here = {one.key for one in uploads.files if one.assessments} if uploads else set()
    from vmcore.clinic import Collection, CollectionError  # noqa: PLC0415  not before it is asked for

    try:
        collection = Collection()
        kept = collection.rows()
        held = {
            row.name
            for row in rows
            if kept and row.answer and row.answer.pixels
            and collection.number(row.answer.pixels) in kept
        }  # fmt: skip
    except CollectionError:
        held = set()
    return here | held


def _table(rows: list[Received], why: list[str] | None = None) -> None:
    table = pd.DataFrame(
        {
            # the hour of this machine, which stands in the clinic
            "received": [row.at.astimezone().replace(tzinfo=None) for row in rows],
            "device": [(row.answer and row.answer.device) or "" for row in rows],
            "frames": [str((row.answer and row.answer.frames) or "") for row in rows],
            "state": [
                "waiting" if row.answer is None else _WORDS[row.answer.state] for row in rows
            ],
            "answer": [_said(row) for row in rows],
            "report": ["" if row.answer is None else row.answer.sent for row in rows],
        }
    )
    if why is not None:  # all of them are judged
        table = table.drop(columns=["device", "frames", "state"])
        table.insert(2, "what a label would teach", why)
    if not any(table["report"]):
        table = table.drop(columns="report")
    colours = [_colour(row) for row in rows]
    shown = table.style.apply(
        lambda _: [f"color: {colour}" for colour in colours], subset=["answer"]
    )
    names = [row.name for row in rows]
    chosen = st.dataframe(
        shown, key=f"received-{hash(tuple(names))}", on_select="rerun", selection_mode=["single-row", "single-cell"],
        hide_index=True, row_height=_ROW_PX, height=_ROW_PX * min(len(rows) + 1, _MOST_ROWS) + 3,
        column_config={
            "received": st.column_config.DatetimeColumn("received", format="D MMM, HH:mm:ss", width=120),
            "device": st.column_config.TextColumn(width=170),
            "frames": st.column_config.TextColumn(width=60),
            "state": st.column_config.TextColumn(width=90),
            "answer": st.column_config.TextColumn(width="large"),
            "what a label would teach": st.column_config.TextColumn(width="large"),
        },
    ).selection  # fmt: skip
    places = [*chosen.rows, *(row for row, _ in chosen.cells)]
    if places:
        open_received(names[places[0]])
        st.rerun()  # the whole page, which leads to it


def _said(row: Received) -> str:
    return "" if row.answer is None else row.answer.headline or row.answer.error


def _colour(row: Received) -> str:
    if row.answer is None or row.answer.headline == NO_VERDICT:
        return QUIET
    return TONE_COLOURS.get(row.answer.tone or "", AMBER)
