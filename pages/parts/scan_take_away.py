"""What was removed from a scan, and what may be taken away of its answer."""

from __future__ import annotations

import streamlit as st

from pages.parts.plain import plain
from pages.parts.recording import Recording, show_recording
from pages.parts.scan_dicom import dicom_files
from pages.parts.scan_report import pdf_button, reported_case
from pages.parts.sharing import looked_at
from pages.parts.uploaded_scan import UploadedScan
from pages.parts.uploads import Uploads
from vmcore.inference import HEATMAP_METHODS, Analysis, Classifier, offered_methods
from vmcore.models import ARCHITECTURES
from vmcore.reporting import heatmap_png, pixel_size_words, results_csv
from vmcore.reporting.spreadsheet import for_spreadsheets
from vmcore.settings import settings


def show_removals(analysis: Analysis) -> None:
    """What cleaning took away, and what kind of file it was."""
    st.markdown("**What was removed, and why**")
    if not analysis.clean.removals:
        st.write("Nothing: no colour and no text was found.")
    for removal in analysis.clean.removals:
        size = f" ({removal.pixels:,} pixels)" if removal.pixels else ""
        st.markdown(f"- {removal.why}{size}")
    device = plain(analysis.scan.device or "not named")
    st.caption(f"{analysis.scan.kind} · device: {device} · {pixel_size_words(analysis)}")


def take_away(
    uploads: Uploads, uploaded: UploadedScan, analysis: Analysis, classifier: Classifier
) -> None:
    """Buttons that save; none before the cleaned picture was looked at."""
    st.markdown("**Take away** (cleaned pixels only)")
    name = f"ventriscope-scan-{uploaded.number}-frame-{analysis.frame + 1}"
    looked = looked_at(name, uploaded.digests.get(analysis.frame))
    case, recording = reported_case(uploaded, analysis, classifier), Recording.of_session()
    pdf_button(uploaded, case, f"{name}.pdf", looked=looked)
    first, second = st.columns(2)

    def heatmap() -> bytes:
        recording.exported(case, "png")
        return heatmap_png(case)

    def table() -> bytes:
        recording.exported(case, "csv")
        results = uploads.results(classifier)
        answered = {number for number, _ in results}
        rows = results_csv(
            results,
            classifier.card,
            settings().grades,
            uploads.assessments(classifier),
            uploads.by_hand(),
            {one.number: one.file_digest() for one in uploads.files},
            [
                *(
                    (one.number, one.refusal or "It has not been judged yet.")
                    for one in uploads.files
                    if one.number not in answered
                ),
                *((None, sentence) for sentence in uploads.left_out),
            ],
        )
        return for_spreadsheets(rows)

    first.download_button(
        "Heatmap PNG",
        heatmap,
        f"{name}.png",
        "image/png",
        disabled=not looked,
        icon=":material/image:",
        on_click="ignore",
        width="stretch",
    )
    second.download_button(
        "Results CSV",
        table,
        "ventriscope-results.csv",
        "text/csv",
        icon=":material/table:",
        on_click="ignore",
        width="stretch",
    )
    dicom_files(uploaded, case, uploads.limits, looked=looked)
    st.selectbox(
        "Heatmap method",
        offered_methods(classifier.card.architecture),
        key="method",
        help="Eigen-CAM is the paper's and comes with the answer. The others, for comparison, "
        f"take longer; most need gradients. {_score_cam_words(classifier)}",
    )
    show_recording(recording)


def chosen_method(classifier: Classifier) -> str:
    """The heatmap method that was chosen; Eigen-CAM where the network is too large for it."""
    chosen: str = st.session_state.get("method", HEATMAP_METHODS[0])
    offered = offered_methods(classifier.card.architecture)
    return chosen if chosen in offered else HEATMAP_METHODS[0]


def _score_cam_words(classifier: Classifier) -> str:
    card = classifier.card
    width = ARCHITECTURES[card.architecture].width
    if "score-cam" not in offered_methods(card.architecture) or width is None:
        return "Score-CAM is not offered: it would run this large network once for each channel."
    return (
        f"Score-CAM runs the network {card.folds * width:,} times, instead of {card.folds}: on a "
        "processor that can take minutes."
    )
