"""Classify: drop a scan, see the verdict, how sure it is, and where the model looked."""

from __future__ import annotations

from pages.parts.frame import enter_frame

enter_frame("classify")  # before what takes long to load

import logging
import traceback

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.parts.answered_by import show_answered_by
from pages.parts.carried import CARRIED, come_back
from pages.parts.inbox import EXAMPLES, FILES, FOLDER, draw_inbox, show_problems
from pages.parts.model import load_anatomy_model, load_classifier
from pages.parts.opened import draw_not_shown, opened_scan
from pages.parts.plain import plain
from pages.parts.received import RECEIVED
from pages.parts.recording import Recording
from pages.parts.scan_calliper import by_hand, measure
from pages.parts.scan_decision import ask_for_decision
from pages.parts.scan_deidentified import show_deidentified
from pages.parts.scan_frame import choose_frame
from pages.parts.scan_keep import show_keeping
from pages.parts.scan_list import show_list
from pages.parts.scan_loop import show_loop
from pages.parts.scan_report import reported_case
from pages.parts.scan_take_away import chosen_method, show_removals, take_away
from pages.parts.scan_verdict import ask_for_age, show_verdict
from pages.parts.uploaded_scan import Models, UploadedScan
from pages.parts.uploads import UploadBudget, Uploads
from vmcore.anatomy import AnatomyError, AnatomyModel
from vmcore.imaging import ScanError
from vmcore.models import BundleError
from vmcore.reporting import (
    HEATMAP_WORDS,
    PANELS,
    caution,
    legend_words,
    picture_panels,
)
from vmcore.reporting.case import case_verdict
from vmcore.runs import InUse, RunError, bundle_in_use
from vmcore.settings import settings

log = logging.getLogger(__name__)

_QUIET_BAR = {
    "displaylogo": False,
    # a saved picture of the panels would hold the uploaded one, names and all
    "modeBarButtonsToRemove": [
        "toImage",
        "select2d",
        "lasso2d",
        "autoScale2d",
        "zoomIn2d",
        "zoomOut2d",
    ],
}


def main() -> None:
    """Draw the page: the field for scans first, which needs nothing that takes long to load."""
    allowed = settings()
    uploads = Uploads.of_session(
        allowed.read_limits(),
        UploadBudget(allowed.most_scans, allowed.session_mb, allowed.all_sessions_mb),
    )
    list_place, problems_beside = st.sidebar.container(), st.sidebar.container()
    come_back(FILES, EXAMPLES)
    if any(st.session_state.get(key) for key in (FILES, FOLDER, EXAMPLES, CARRIED, RECEIVED)):
        with st.sidebar:  # the room is the pictures' now
            draw_inbox(uploads)
    else:
        st.title("Is the lateral ventricle wide?", anchor=False)
        st.caption(
            "Drop transventricular scans of the fetal brain, one or a whole examination. They are "
            "read, cleaned and judged on this machine; no picture and nothing of the patient is kept "
            "after the session, unless you keep a decided one for training."
        )
        draw_inbox(uploads)
        _invitation()
    # beside a list, what could not be used must not push the answer off the screen
    problems = problems_beside if len(uploads.files) > 1 else st.container()
    try:
        in_use = bundle_in_use()
        if in_use.concern:
            st.warning(plain(in_use.concern), icon=":material/sync_problem:")
        if uploads.scans:
            _answer(uploads, in_use, list_place)
        draw_not_shown(uploads)
    except (BundleError, RunError) as error:
        st.error(f"The model cannot be loaded. {plain(error)}", icon=":material/error:")
    with problems:
        show_problems(uploads)


def _invitation() -> None:
    st.info(
        "Drag a scan into the field above, or click an example. The picture is cleaned of names "
        "and annotations first; then you see the verdict and where the model looked.",
        icon=":material/arrow_upward:",
    )


def _answer(uploads: Uploads, in_use: InUse, list_place: DeltaGenerator) -> None:
    with st.spinner("Loading the model …", show_time=False):
        models = Models(load_classifier(in_use.bundle, settings().device), _anatomy_model())
    uploads.judge(models)
    try:
        uploaded = _open(uploads)
        if uploaded is None:
            if uploads.scans:
                with list_place:  # from which another one is chosen
                    show_list(uploads, models)
            return
        _show(uploads, uploaded, models, list_place)
    except ScanError as error:
        st.warning(str(error), icon=":material/memory:")
    except Exception as error:
        # where it happened, without its words: identity may be at hand while files are written
        place = "".join(traceback.format_tb(error.__traceback__))
        log.error("Analysis failed: %s\n%s", type(error).__name__, place)  # noqa: TRY400
        st.error("A scan cannot be analysed; the log says why.", icon=":material/error:")
    show_answered_by(models)


def _open(uploads: Uploads) -> UploadedScan | None:
    """The scan that is looked at, judged; None where no file is a scan, or what was asked for is none."""
    while (uploaded := opened_scan(uploads)) is not None:
        with st.spinner("Reading and judging …", show_time=False):
            uploads.judge_now(uploaded)
        if uploaded.refusal is None:
            return uploaded
    return None


def _anatomy_model() -> AnatomyModel | None:
    try:
        return load_anatomy_model()
    except AnatomyError as error:
        st.warning(f"Nothing is measured. {plain(str(error))}", icon=":material/straighten:")
        return None


def _show(
    uploads: Uploads, uploaded: UploadedScan, models: Models, list_place: DeltaGenerator
) -> None:
    verdict_place = st.container()
    picture, frame = _controls(uploaded)
    method = chosen_method(models.classifier)
    try:
        with verdict_place:
            with st.spinner("Analysing …", show_time=False):
                analysis = uploads.analysis(uploaded, models, frame, method)
            found = by_hand(uploaded, analysis)
            case = reported_case(uploaded, analysis, models.classifier)
            show_verdict(case)
    finally:  # what was just measured by hand is in the list too, and the list is there whatever happens
        if len(uploads.files) > 1:
            with list_place:
                show_list(uploads, models)
    Recording.of_session().answered(uploaded, case)
    if picture == "measure":
        measure(uploaded, case, found)
    else:
        shown = tuple(PANELS) if picture == "all" else (picture,)
        st.plotly_chart(
            picture_panels(analysis, shown, case.hand),
            key=f"panels-{uploaded.key}-{picture}",
            config=_QUIET_BAR,
            width="stretch",
        )
        legend = legend_words(analysis.anatomy, case.hand)
        if legend and shown != ("uploaded",):  # over which nothing is drawn
            st.caption(legend)
    show_loop(uploads, uploaded, models, frame)
    ask_for_age(uploaded, analysis)
    headed = case_verdict(case).sentence
    for sentence in (*analysis.scan.notes, *caution(analysis)):
        if sentence in headed:
            continue  # it was read already
        st.markdown(f":orange[:material/warning:] {sentence}")
    st.caption(HEATMAP_WORDS.get(method, HEATMAP_WORDS["others"]))
    ask_for_decision(uploaded, case)
    show_keeping(uploads, uploaded, case, models)
    left, right = st.columns(2, gap="large")
    with left:
        show_removals(analysis)
    with right:
        take_away(uploads, uploaded, analysis, models.classifier)
        show_deidentified(uploaded, case)


def _controls(uploaded: UploadedScan) -> tuple[str, int]:
    """Which picture is shown, and which frame of a loop, from 0."""
    words = {"all": "Side by side", **PANELS, "measure": "Measure"}
    row = st.container(horizontal=True, gap="small", vertical_alignment="center")
    picture = row.segmented_control(
        "Picture", list(words), format_func=words.__getitem__, default="all", required=True,
        key="picture", label_visibility="collapsed",
    )  # fmt: skip
    return picture, choose_frame(row, uploaded)


main()
