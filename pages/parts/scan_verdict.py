"""The answer to one scan: the verdict, the folds, and the age that gives millimetres."""

from __future__ import annotations

import streamlit as st

from pages.parts.uploaded_scan import UploadedScan
from vmcore.anatomy.gestation import LAST_WEEK
from vmcore.inference import Analysis
from vmcore.reporting import fold_strip, head_words
from vmcore.reporting.case import ReportedCase, case_verdict

_FIRST_TOLD = 4  # weeks that can be entered; what is under 14 is said to be too early
TONES = {
    "normal": (":material/check_circle:", "green"),
    "ventriculomegaly": (":material/error:", "red"),
    "withheld": (":material/help:", "orange"),
}
"""Icon and colour of each tone of a verdict."""


def show_verdict(case: ReportedCase) -> None:
    """What is said of a frame, and the folds beside it."""
    said, analysis = case_verdict(case), case.analysis
    icon, colour = TONES[said.tone]
    left, right = st.columns([3, 2], gap="large", vertical_alignment="center")
    with left:
        st.subheader(f":{colour}[{icon} {said.headline}]", anchor=False)
        st.write(said.sentence)
        if analysis.anatomy and (head := head_words(analysis.anatomy)):
            st.caption(head)
    with right:
        st.plotly_chart(
            fold_strip(analysis.prediction), config={"displayModeBar": False}, width="stretch"
        )
        st.caption("A dot is a fold, the diamond their mean.")


def ask_for_age(uploaded: UploadedScan, analysis: Analysis) -> None:
    """Where a file has no millimetres, the gestational age gives some, or checks a ruler's."""
    anatomy = analysis.anatomy
    atrium = anatomy.atrium if anatomy else None
    early = anatomy is not None and anatomy.told_early  # to be taken back
    if not early and (atrium is None or atrium.millimetres_from == "file"):
        return
    weeks, days = f"weeks-{uploaded.key}", f"days-{uploaded.key}"

    def keep() -> None:
        whole, rest = st.session_state[weeks], st.session_state[days] or 0
        age = None if whole is None else min(whole + rest / 7, LAST_WEEK)
        uploaded.gestational_weeks = age  # kept with the scan: a field that is not drawn forgets

    known = uploaded.gestational_weeks
    left, right, _ = st.columns([2, 1, 2])
    left.number_input(
        "Gestational age: weeks, to estimate or check millimetres",
        _FIRST_TOLD, int(LAST_WEEK), None if known is None else int(known), 1,
        key=weeks, on_change=keep, placeholder="for example 21",
    )  # fmt: skip
    right.number_input(
        "and days", 0, 6, None if known is None else round((known - int(known)) * 7), 1,
        key=days, on_change=keep, placeholder="0 to 6",
    )  # fmt: skip
