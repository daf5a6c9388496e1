"""What the person decides about an answer: it stands, something else is right, or it is not to be used."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from pages.parts.identity import ask_for_name, person
from pages.parts.plain import plain
from pages.parts.recording import Recording
from pages.parts.uploaded_scan import UploadedScan
from vmcore.reporting.case import (
    REASONS,
    Assessment,
    AssessmentError,
    Outcome,
    ReportedCase,
    accepted_width_mm,
    assess,
    case_verdict,
    widest_by_hand,
)
from vmcore.reporting.case.assessment import Label
from vmcore.runs.access import named

_SAID = {
    "accepted": (":material/check_circle:", "Accepted"),
    "corrected": (":material/edit:", "Corrected"),
    "rejected": (":material/block:", "Rejected"),
}
_LEAST_MM, _MOST_MM = 0.1, 99.9
_NAME, _KEPT_NAME = "decider", "decider-kept"


def ask_for_decision(uploaded: UploadedScan, case: ReportedCase) -> None:
    """Show what was decided about this answer, or ask for it."""
    again = f"again-{uploaded.key}-{case.analysis.frame}"
    st.markdown("**Your decision**")
    if case.assessment is not None and not st.session_state.get(again):
        _show(case, again)
        return
    if case.assessment is not None:
        _what_stands(case.assessment, again)
    elif uploaded.decided_before(case.analysis):
        st.caption(
            ":orange[:material/history:] What was decided before was about another answer: callipers, age or "
            "models have changed since. Decide anew."
        )
    accept, correct, reject, name = st.columns([4, 3, 3, 5], vertical_alignment="bottom")
    with name:
        st.session_state.setdefault(_NAME, st.session_state.get(_KEPT_NAME, ""))
        who = named(person(), ask_for_name(_NAME))
    # of this very answer: a click on another one that was drawn before must not count for it
    place = f"{uploaded.key}-{abs(hash(uploaded.answer_key(case.analysis)))}"
    label, width = _answered(case)
    if accept.button(
        "Accept" if label else "Leave open", key=f"accept-{place}", icon=":material/check:",
        shortcut="Alt+A", width="stretch",
    ):  # fmt: skip
        _keep(uploaded, case, again, who, "accepted", label, width)
    with correct.popover("Correct", icon=":material/edit:", width="stretch"):
        _ask_for_correction(uploaded, case, again, who, place)
    with reject.popover("Reject", icon=":material/block:", width="stretch"):
        _ask_for_rejection(uploaded, case, again, who, place)
    if label is None:
        st.caption(
            "This answer does not say whether the ventricle is wide. To leave that open accepts it as it is"
            + (". " if width is None else f", with the width of {width:.1f} mm. ")
            + "What you see yourself can be said under Correct."
        )


def _show(case: ReportedCase, again: str) -> None:
    kept = case.assessment
    if kept is None:
        return
    icon, word = _SAID[kept.outcome]
    said = f"{icon} **{word}** by {plain(kept.person)}, {kept.at:%Y-%m-%d %H:%M} UTC."
    if kept.label is not None:
        said += f" {kept.label.capitalize()}."
    elif kept.outcome == "accepted":
        said += " The finding is left open."
    if kept.width_mm is not None:
        said += f" {kept.width_mm:.1f} mm."
    left, right = st.columns([4, 1], vertical_alignment="center")
    left.markdown(said)
    words = [plain(text) for text in (kept.reason, kept.comment) if text]
    if words:
        left.caption(" · ".join(words))
    if right.button("Change", icon=":material/undo:", width="stretch", key=f"change-{again}"):
        st.session_state[again] = True
        st.rerun()


def _what_stands(kept: Assessment, again: str) -> None:
    """Say while it is decided anew what goes on being kept until then."""
    left, right = st.columns([4, 1], vertical_alignment="center")
    left.caption(f"{_SAID[kept.outcome][1]} stands until you decide anew.")
    if right.button("Keep it", width="stretch", key=f"keep-{again}"):
        st.session_state.pop(again, None)
        st.rerun()


def _ask_for_correction(
    uploaded: UploadedScan, case: ReportedCase, again: str, who: str, place: str
) -> None:
    with st.form(f"correct-{place}", border=False):
        wrong = st.container()  # at the top, where it is seen without scrolling
        label = st.segmented_control(
            "What is right", ["normal", "ventriculomegaly"], key=f"label-{place}"
        )
        width = st.number_input(
            "Atrial width in mm",
            _LEAST_MM,
            _MOST_MM,
            _by_hand(case),
            0.1,
            format="%.1f",
            key=f"width-{place}",
        )
        reason, comment = _ask_why(f"correct-{place}")
        if st.form_submit_button("Keep the correction", type="primary"):
            with wrong:
                _keep(uploaded, case, again, who, "corrected", label, width, reason, comment)


def _by_hand(case: ReportedCase) -> float | None:
    """The width by hand to begin a correction with; None where there is none that an atrium can have."""
    width = widest_by_hand(case)
    return width if width is not None and _LEAST_MM <= width <= _MOST_MM else None


def _ask_for_rejection(
    uploaded: UploadedScan, case: ReportedCase, again: str, who: str, place: str
) -> None:
    with st.form(f"reject-{place}", border=False):
        wrong = st.container()
        reason, comment = _ask_why(f"reject-{place}")
        if st.form_submit_button("Keep the rejection", type="primary"):
            with wrong:
                _keep(uploaded, case, again, who, "rejected", None, None, reason, comment)


def _ask_why(key: str) -> tuple[str, str]:
    reason = st.selectbox("Why", REASONS, None, key=f"why-{key}", placeholder="Choose a reason")
    comment = st.text_area(
        "Comment", max_chars=2000, key=f"comment-{key}", height=80,
        help="Goes into the report and the CSV, not into the audit trail. Name no patient.",
    )  # fmt: skip
    return reason or "", comment


def _answered(case: ReportedCase) -> tuple[Label | None, float | None]:
    """What is accepted with an answer: its finding, none where it was withheld, and its width."""
    said = case_verdict(case)
    label = None if said.tone == "withheld" else said.tone
    return label, accepted_width_mm(case)


def _keep(
    uploaded: UploadedScan, case: ReportedCase, again: str, who: str, outcome: Outcome,
    label: Label | None, width_mm: float | None, reason: str = "", comment: str = "",
) -> None:  # fmt: skip
    """Keep a decision with the scan and note it; the page is drawn again with it."""
    try:
        made = assess(
            outcome, label=label, width_mm=width_mm, reason=reason, comment=comment, person=who,
            signed_in=person().signed_in,
        )  # fmt: skip
    except AssessmentError as error:
        st.error(plain(error), icon=":material/error:")
        return
    uploaded.assessments[uploaded.answer_key(case.analysis)] = made
    st.session_state[_KEPT_NAME] = st.session_state.get(_NAME, "")
    st.session_state.pop(again, None)
    Recording.of_session().assessed(replace(case, assessment=made), made)
    st.rerun()
