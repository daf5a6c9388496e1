"""The list of many scans: judged while one works, ordered by how much each matters, one click opens."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd
import streamlit as st

from pages.parts.opened import open_scan, opened_number
from pages.parts.recording import Recording
from pages.parts.refreshing import refreshing
from pages.parts.scan_report import reported_case
from pages.parts.uploaded_scan import Models, UploadedScan
from pages.parts.uploads import Uploads
from vmcore.inference import HEATMAP_METHODS, Analysis
from vmcore.reporting import (
    NO_VERDICT,
    LearningValue,
    Verdict,
    learning_value_of,
    needs_a_look,
    shown_mm,
    urgency,
)
from vmcore.reporting.case import case_verdict
from vmcore.reporting.colours import AMBER, QUIET, ROSE, TEAL

MOST_TO_LEARN = "Most to learn from"
"""The order in which a label would teach a model most (:mod:`vmcore.reporting.most_to_learn`)."""
_ORDERS = ("Urgent first", MOST_TO_LEARN)
_FILTERS = ("Needs a look", "Wide", "Normal", "Measured")
_EXCLUSIVE = ("Needs a look", "Wide"), ("Normal",)  # no scan is of both
_EVERY_S = 1.5
_ROW_PX, _MOST_ROWS = 56, 7
TONE_COLOURS: dict[str, str] = {"ventriculomegaly": ROSE, "withheld": AMBER, "normal": TEAL}
"""The colour of each tone of a verdict in a list."""
_MARKS = {"accepted": "✓", "corrected": "✎", "rejected": "✗"}


def show_list(uploads: Uploads, models: Models) -> None:
    """Draw the list, anew every other second while scans are still being judged."""
    working = uploads.progress.working
    draw = refreshing(_draw, _EVERY_S if working else None)
    draw(uploads, models, opened=opened_number(uploads), watched=working)


def _steps(order: list[int], here: int | None, unseen: Sequence[int]) -> None:
    """Buttons and keys to the next and the previous scan of the list, and from its end to what was passed by."""
    place = order.index(here) if here in order else -1
    back, onward = st.columns(2)
    back.button(
        "Previous", key="previous scan", shortcut="p", width="stretch", disabled=place <= 0,
        on_click=open_scan, args=(order[place - 1] if place > 0 else here,),
    )  # fmt: skip
    following = next_scan(order, here, unseen)
    onward.button(
        "Next", key="next scan", shortcut="n", width="stretch", disabled=following is None,
        on_click=open_scan, args=(following,),
    )  # fmt: skip
    where = f"{place + 1} of {len(order)}" if place >= 0 else "not in this list"
    if here is not None:
        st.caption(f"Scan {here}: {where}")


def next_scan(order: Sequence[int], here: int | None, unseen: Sequence[int]) -> int | None:
    """The scan after this one; at the list's end the first that nobody has looked at.

    While scans are judged, urgent ones come to stand before those that were looked at already.

    Args:
        order: scans' numbers in the list's order.
        here: the one that is looked at, if any.
        unseen: of the list, those that nobody has looked at.
    """
    place = order.index(here) if here in order else -1
    if place + 1 < len(order):
        return order[place + 1]
    return next((number for number in order if number in unseen and number != here), None)


class _Row(NamedTuple):
    """A scan of the list, its answer without pixels, and what is said of it; None before it is judged."""

    scan: UploadedScan
    analysis: Analysis | None
    said: Verdict | None
    worth: LearningValue | None = None
    """What a label would teach, where that orders the list and none is there."""


def _draw(uploads: Uploads, models: Models, *, opened: int | None, watched: bool) -> None:
    progress = uploads.progress
    left_over = watched or progress.done < len(uploads.files)
    if (
        not uploads.scans
        or opened_number(uploads) != opened
        or (left_over and not progress.working and not uploads.stopped)
    ):
        st.rerun()  # the rest of the page is another one now
    rows = _listed(uploads, models)
    unseen = [row.scan.number for row in rows if not row.scan.used]
    _steps(_in_turn(rows, opened), opened, unseen)
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
    st.selectbox("Order", _ORDERS, key="list order", label_visibility="collapsed")
    here = next((row.worth for row in rows if row.scan.number == opened and row.worth), None)
    if here is not None:
        st.caption(f"What a label of scan {opened} would teach: {here.reason}.")
    _table(rows, opened)


def _in_turn(rows: list[_Row], opened: int | None) -> list[int]:
    """Scans' numbers in the order in which they are gone through.

    Where labels are asked for, one that has just got its own stands at the list's end; the next is the first.
    """
    order = [row.scan.number for row in rows]
    worth = {row.scan.number for row in rows if row.worth is not None}
    if worth and opened is not None and opened in order and opened not in worth:
        order.remove(opened)
        order.insert(0, opened)
    return order


def _listed(uploads: Uploads, models: Models) -> list[_Row]:
    """Scans with their answers as they are shown: the judged in their order, then the rest.

    Who reads the list has been answered, which the audit trail notes.
    """
    wanted = st.session_state.get("list filter") or []
    learning = st.session_state.get("list order") == MOST_TO_LEARN
    recording = Recording.of_session()
    judged, rest = [], []
    for one in uploads.scans:
        analysis = one.answer(models, HEATMAP_METHODS[0])
        if analysis is None:
            rest.append(_Row(one, None, None))
            continue
        case = reported_case(one, analysis, models.classifier)
        recording.answered(one, case)
        said = case_verdict(case)
        if not _passes(one, analysis, said, wanted):
            continue
        row, order = _Row(one, analysis, said), urgency(said, analysis)
        if learning:  # what is decided has its label
            value, decided = learning_value_of(analysis), one.decided(analysis) is not None
            row = row._replace(worth=None if decided else value)
            order = int(decided), -value.bits, 0.0
        judged.append((order, one.number, row))
    rows = [row for _, _, row in sorted(judged, key=lambda one: one[:2])]
    return rows + ([] if wanted else rest)


def _passes(uploaded: UploadedScan, analysis: Analysis, said: Verdict, wanted: list[str]) -> bool:
    """Whether a scan is among the wanted: a normal one excludes the other two answers, and adds to them."""
    passes = {
        "Needs a look": needs_a_look(said) and uploaded.decided(analysis) is None,
        "Wide": said.tone == "ventriculomegaly",
        "Normal": said.tone == "normal",
        "Measured": bool(analysis.anatomy and analysis.anatomy.plane.fits),
    }
    groups = [[one for one in group if one in wanted] for group in _EXCLUSIVE]
    asked = [group for group in groups if group]
    answers = not asked or any(all(passes[one] for one in group) for group in asked)
    return answers and (passes["Measured"] or "Measured" not in wanted)


def _table(listed: list[_Row], opened: int | None) -> None:
    numbers = [row.scan.number for row in listed]
    rows = pd.DataFrame(
        {
            "picture": [_picture(row.scan) for row in listed],
            "answer": [_words(row) for row in listed],
        }
    )
    colours = [_colour(row.said) for row in listed]
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
        row_height=_ROW_PX, height=_ROW_PX * min(len(rows), _MOST_ROWS) + 38, placeholder="",
        column_config={
            "picture": st.column_config.ImageColumn("", width=70),
            "answer": st.column_config.TextColumn("Scan", width="medium"),
        },
    )  # fmt: skip
    if any(row.said and row.said.tone == "withheld" for row in listed):
        st.caption("Amber and grey: left open; look yourself.")
    if any(row.analysis and row.scan.decided(row.analysis) for row in listed):
        st.caption(", ".join(f"{mark} {outcome}" for outcome, mark in _MARKS.items()))


def _picture(uploaded: UploadedScan) -> str | None:
    if uploaded.thumbnail is None:
        return None
    return "data:image/jpeg;base64," + base64.b64encode(uploaded.thumbnail).decode("ascii")


def _words(row: _Row) -> str:
    if row.analysis is None or row.said is None:
        return f"{row.scan.number} · waiting"
    if row.worth is not None:
        return f"{row.scan.number} · {row.worth.brief}"
    atrium = row.analysis.anatomy.atrium if row.analysis.anatomy else None
    graded = ": " in row.said.headline  # a width that something contradicts is not told here
    told = graded and atrium is not None and atrium.width_mm is not None
    width = f"{shown_mm(atrium):.1f} mm: " if told and atrium else ""
    return f"{row.scan.number} {_mark(row.scan, row.analysis)} {width}{row.said.brief}"


def _mark(uploaded: UploadedScan, analysis: Analysis) -> str:
    """What was decided; of which frame, where that is not the one whose answer the list shows."""
    decided = uploaded.decided(analysis)
    if decided is None:
        return "·"
    frame, made = decided
    mark = _MARKS[made.outcome]
    return mark if frame == analysis.frame else f"{mark} frame {frame + 1} ·"


def _colour(said: Verdict | None) -> str:
    return QUIET if said is None or said.headline == NO_VERDICT else TONE_COLOURS[said.tone]
