"""Classify: drop a scan, see the verdict, how sure it is, and where the model looked."""

from __future__ import annotations

import logging

import streamlit as st

from pages.parts.desk import Desk, Tray
from pages.parts.frame import enter_frame
from pages.parts.model import load_classifier
from vmcore.imaging import ScanError
from vmcore.inference import HEATMAP_METHODS, Analysis, Classifier
from vmcore.models import BundleError
from vmcore.reporting import (
    HEATMAP_WORDS,
    caution,
    decimal,
    fold_strip,
    heatmap_png,
    results_csv,
    three_panels,
    verdict,
)
from vmcore.runs import RunError, bundle_in_use
from vmcore.settings import settings

log = logging.getLogger(__name__)

_TONES = {
    "normal": (":material/check_circle:", "green"),
    "ventriculomegaly": (":material/error:", "red"),
    "withheld": (":material/help:", "orange"),
}
_QUIET_BAR = {
    "displaylogo": False,
    # a saved picture of the panels would hold the uploaded one, names and all
    "modeBarButtonsToRemove": ["toImage", "select2d", "lasso2d", "autoScale2d"],
}


def main() -> None:
    """Draw the page."""
    st.title("Is the lateral ventricle wide?", anchor=False)
    st.caption(
        "Drop transventricular scans of the fetal brain. They are read, cleaned and judged on this "
        "machine; nothing is kept after the session."
    )
    try:
        in_use = bundle_in_use()
        classifier = load_classifier(in_use.bundle, settings().device)
    except (BundleError, RunError) as error:
        st.error(f"The model cannot be loaded. {error}", icon=":material/error:")
        return
    if in_use.concern:
        st.warning(in_use.concern, icon=":material/sync_problem:")
    desk = Desk.of_session(settings().read_limits(), settings().most_scans)
    _inbox(desk)
    for sentence in desk.refusals:
        st.warning(sentence, icon=":material/warning:")
    if not desk.trays:
        _invitation()
        return
    tray = _choose(desk, classifier)
    try:
        _show(desk, tray, classifier)
    except ScanError as error:
        st.warning(f"Scan {tray.number}: {error}", icon=":material/warning:")
    except Exception as error:
        log.exception("Analysis failed: %s", type(error).__name__)
        st.error("This scan cannot be analysed; the log says why.", icon=":material/error:")
    _model_card(classifier)


def _inbox(desk: Desk) -> None:
    uploads = st.file_uploader(
        "Scans: DICOM (also loops), PNG, JPEG, TIFF, BMP or WebP",
        accept_multiple_files=True,
        key="uploads",
    )
    examples = sorted(settings().examples.glob("*.dcm"))
    chosen: list[str] = []
    if examples:
        words = {path.name: path.stem.replace("-", " ") for path in examples}
        chosen = st.pills(
            "or try a phantom (drawn, not scanned)",
            list(words),
            format_func=words.__getitem__,
            selection_mode="multi",
            key="examples",
        )
    with st.spinner("Reading …", show_time=False):
        desk.sync(
            {upload.file_id: upload.getvalue for upload in uploads},
            {path.name: path.read_bytes for path in examples if path.name in chosen},
        )


def _invitation() -> None:
    st.info(
        "Drag a scan into the field above, or click an example. The picture is cleaned of names "
        "and annotations first; then you see the verdict and where the model looked.",
        icon=":material/arrow_upward:",
    )


def _choose(desk: Desk, classifier: Classifier) -> Tray:
    if len(desk.trays) == 1:
        return desk.trays[0]
    labels = {}
    bar = st.progress(0.0, "Judging the scans …")
    for done, tray in enumerate(desk.trays, start=1):
        said = verdict(desk.analysis(tray, classifier, tray.middle, HEATMAP_METHODS[0]).prediction)
        icon, colour = _TONES[said.tone]
        labels[tray.number] = f":{colour}[{icon}] {tray.number} · {said.headline}"
        bar.progress(done / len(desk.trays), f"Judging the scans … {done} of {len(desk.trays)}")
    bar.empty()
    number = st.segmented_control(
        "Scan", list(labels), format_func=labels.__getitem__, default=desk.trays[0].number,
        key=f"scan-{'-'.join(map(str, labels))}", required=True,
    )  # fmt: skip
    return next(tray for tray in desk.trays if tray.number == number)


def _show(desk: Desk, tray: Tray, classifier: Classifier) -> None:
    frame, method = tray.middle, HEATMAP_METHODS[0]
    if len(tray.scan.frames) > 1:
        frames = len(tray.scan.frames)
        frame = st.slider("Frame", 1, frames, tray.middle + 1, key=f"frame-{tray.key}") - 1
    method = st.session_state.get("method", method)
    with st.spinner("Analysing …", show_time=False):
        analysis = desk.analysis(tray, classifier, frame, method)
    _verdict(analysis)
    st.plotly_chart(
        three_panels(analysis), key=f"panels-{tray.key}", config=_QUIET_BAR, width="stretch"
    )
    st.caption(HEATMAP_WORDS.get(method, HEATMAP_WORDS["others"]))
    left, right = st.columns([3, 2], gap="large")
    with left:
        _removals(analysis)
    with right:
        _take_away(desk, tray, analysis, classifier)


def _verdict(analysis: Analysis) -> None:
    said = verdict(analysis.prediction)
    icon, colour = _TONES[said.tone]
    left, right = st.columns([3, 2], gap="large", vertical_alignment="center")
    with left:
        st.subheader(f":{colour}[{icon} {said.headline}]", anchor=False)
        st.write(said.sentence)
    with right:
        st.plotly_chart(
            fold_strip(analysis.prediction), config={"displayModeBar": False}, width="stretch"
        )
        st.caption("Each dot is one fold of the model, the diamond their mean.")
    for sentence in caution(analysis):
        st.markdown(f":orange[:material/warning:] {sentence}")


def _removals(analysis: Analysis) -> None:
    st.markdown("**What was removed, and why**")
    if not analysis.clean.removals:
        st.write("Nothing: no colour and no text was found.")
    for removal in analysis.clean.removals:
        size = f" ({removal.pixels:,} pixels)" if removal.pixels else ""
        st.markdown(f"- {removal.why}{size}")
    device = analysis.scan.device or "not named"
    spacing = analysis.scan.spacing_mm
    size = f"{spacing[0]:.3f} × {spacing[1]:.3f} mm per pixel" if spacing else "pixel size unknown"
    st.caption(f"{analysis.scan.kind} · device: {device} · {size}")


def _take_away(desk: Desk, tray: Tray, analysis: Analysis, classifier: Classifier) -> None:
    st.markdown("**Take away** (cleaned pixels only)")
    name = f"ventriscope-scan-{tray.number}-frame-{analysis.frame + 1}"
    first, second = st.columns(2)
    first.download_button(
        "Heatmap PNG",
        lambda: heatmap_png(analysis, classifier.card.name),
        f"{name}.png",
        "image/png",
        icon=":material/image:",
        on_click="ignore",
        width="stretch",
    )
    second.download_button(
        "Results CSV",
        lambda: results_csv(desk.results(classifier), classifier.card),
        "ventriscope-results.csv",
        "text/csv",
        icon=":material/table:",
        on_click="ignore",
        width="stretch",
    )
    st.selectbox(
        "Heatmap method",
        HEATMAP_METHODS,
        key="method",
        help="Eigen-CAM is the paper's and comes with the answer. The others, for comparison, "
        "need gradients and take longer.",
    )


def _model_card(classifier: Classifier) -> None:
    card = classifier.card
    with st.expander(f"Answered by {card.name}", icon=":material/model_training:"):
        st.write(
            f"{card.folds} folds of {card.architecture}, made {card.created or 'at an unknown time'}. "
            f"Threshold {decimal(card.threshold)}: {card.threshold_rule}."
        )
        for limit in card.limits:
            st.markdown(f"- {limit}")
        st.page_link("pages/about.py", label="The whole model card", icon=":material/info:")


enter_frame()
main()
