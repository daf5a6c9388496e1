"""The list of many scans: judged while one works, ordered by how much each matters, one click opens."""

from __future__ import annotations

import base64

import pandas as pd
import streamlit as st

from pages.parts.recording import Recording
from pages.parts.scan_report import reported_case
from pages.parts.uploaded_scan import Models, UploadedScan
from pages.parts.uploads import Uploads
from vmcore.inference import HEATMAP_METHODS, Analysis
from vmcore.reporting import NO_VERDICT, needs_a_look, shown_mm, urgency, verdict
from vmcore.reporting.colours import AMBER, QUIET, ROSE, TEAL
from vmcore.settings import settings

_FILTERS = ("Needs a look", "Wide", "Normal", "Measured")
_EVERY_S = 1.5
_ROW_PX, _MOST_ROWS = 56, 7
TONE_COLOURS: dict[str, str] = {"ventriculomegaly": ROSE, "withheld": AMBER, "normal": TEAL}
"""The colour of each tone of a verdict in a list."""
_OPENED = "opened scan"


def opened_scan(uploads: Uploads) -> UploadedScan:
    """The scan that is looked at: the one that was chosen, or the first."""
    number = st.session_state.get(_OPENED)
    scans = uploads.scans
    return next((one for one in scans if one.number == number), scans[0])


def open_scan(number: int) -> None:
    """Look at this scan from now on."""
    st.session_state[_OPENED] = number


def show_list(uploads: Uploads, models: Models) -> None:
    """Draw the list, anew every other second while scans are still being judged."""
    working = uploads.progress.working
    draw = st.fragment(_draw, run_every=_EVERY_S if working else None)
    draw(uploads, models, opened=opened_scan(uploads).number, watched=working)


def _steps(order: list[int], here: int) -> None:
    """Buttons and keys to the next and the previous scan of the list."""
    place = order.index(here) if here in order else -1
    back, onward = st.columns(2)
    back.button(
        "Previous", key="previous scan", shortcut="p", width="stretch", disabled=place <= 0,
        on_click=open_scan, args=(order[max(place - 1, 0)] if order else here,),
    )  # fmt: skip
    last = len(order) - 1
    onward.button(
        "Next", key="next scan", shortcut="n", width="stretch", disabled=place >= last,
        on_click=open_scan, args=(order[min(place + 1, last)] if order else here,),
    )  # fmt: skip
    where = f"{place + 1} of {len(order)}" if place >= 0 else "not in this list"
    st.caption(f"Scan {here}: {where}")


def _draw(uploads: Uploads, models: Models, *, opened: int, watched: bool) -> None:
    recording = Recording.of_session()
    progress = uploads.progress
    if (
        not uploads.scans
        or opened_scan(uploads).number != opened
        or (watched and not progress.working)
    ):
        st.rerun()  # the rest of the page is another one now
    listed = _listed(uploads, models)
    for one, analysis in listed:
        if analysis is not None:  # who reads the list has been answered
            recording.answered(one, reported_case(one, analysis, models.classifier))
    _steps([one.number for one, _ in listed], opened)
    if progress.working:
        left, right = st.columns([3, 2], vertical_alignment="center")
        left.progress(
            progress.done / max(progress.wanted, 1), f"Judged {progress.done} of {progress.wanted}"
        )
        right.button("Stop", key="stop judging", on_click=uploads.stop, width="stretch")
    elif uploads.stopped:
        st.button("Judge the rest", key="judge the rest", on_click=uploads.go_on)
    st.pills(
        "Show", _FILTERS, selection_mode="multi", key="list filter", label_visibility="collapsed"
    )
    _table(listed, opened)


def _listed(uploads: Uploads, models: Models) -> list[tuple[UploadedScan, Analysis | None]]:
    """Scans with their answers as they are shown: the judged in their order, then the rest."""
    wanted = st.session_state.get("list filter") or []
    grades = settings().grades
    pairs = [(one, one.answer(models, HEATMAP_METHODS[0])) for one in uploads.scans]
    judged = [pair for pair in pairs if pair[1] is not None and _passes(*pair, wanted)]
    judged.sort(key=lambda pair: (*urgency(pair[1], grades), pair[0].number))
    return judged + ([] if wanted else [pair for pair in pairs if pair[1] is None])


def _passes(uploaded: UploadedScan, analysis: Analysis, wanted: list[str]) -> bool:
    grades = settings().grades
    tone = verdict(analysis, grades).tone
    passes = {
        "Needs a look": needs_a_look(analysis, grades) and uploaded.assessment(analysis) is None,
        "Wide": tone == "ventriculomegaly",
        "Normal": tone == "normal",
        "Measured": bool(analysis.anatomy and analysis.anatomy.plane.fits),
    }
    return all(passes[one] for one in wanted)


def _table(listed: list[tuple[UploadedScan, Analysis | None]], opened: int) -> None:
    numbers = [one.number for one, _ in listed]
    rows = pd.DataFrame(
        {
            "picture": [_picture(one) for one, _ in listed],
            "answer": [_words(one, analysis) for one, analysis in listed],
        }
    )
    colours = [_colour(analysis) for _, analysis in listed]
    shown = rows.style.apply(
        lambda _: [f"color: {colour}" for colour in colours], subset=["answer"]
    )
    place = [numbers.index(opened)] if opened in numbers else []
    key = f"list-{hash((*numbers, opened))}"  # a selection is a row's place, which changes its meaning

    def choose() -> None:
        chosen = st.session_state[key].selection.rows
        if chosen and numbers[chosen[0]] != opened:  # else a list that is gone says how it began
            open_scan(numbers[chosen[0]])

    if not numbers:
        st.caption("No scan of this kind.")
        return
    st.dataframe(
        shown, key=key, on_select=choose, selection_mode="single-row", hide_index=True,
        selection_default={"selection": {"rows": place, "columns": [], "cells": []}},
        row_height=_ROW_PX, height=_ROW_PX * min(len(rows), _MOST_ROWS) + 38,
        column_config={
            "picture": st.column_config.ImageColumn("", width=70),
            "answer": st.column_config.TextColumn("Scan", width="medium"),
        },
    )  # fmt: skip


def _picture(uploaded: UploadedScan) -> str | None:
    if uploaded.thumbnail is None:
        return None
    return "data:image/jpeg;base64," + base64.b64encode(uploaded.thumbnail).decode("ascii")


def _words(uploaded: UploadedScan, analysis: Analysis | None) -> str:
    if analysis is None:
        return f"{uploaded.number} · waiting"
    said = verdict(analysis, settings().grades).headline
    atrium = analysis.anatomy.atrium if analysis.anatomy else None
    width = "" if atrium is None or atrium.width_mm is None else f"{shown_mm(atrium):.1f} mm: "
    decided = uploaded.assessment(analysis)
    mark = f" ({decided.outcome})" if decided else ""
    return f"{uploaded.number} · {width}{said.rsplit(': ', 1)[-1]}{mark}"


def _colour(analysis: Analysis | None) -> str:
    if analysis is None:
        return QUIET
    said = verdict(analysis, settings().grades)
    return QUIET if said.headline == NO_VERDICT else TONE_COLOURS[said.tone]
