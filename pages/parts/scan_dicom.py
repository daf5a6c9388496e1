"""A frame's report as DICOM files of the original's study, made when somebody asks; on no disk of this machine."""

from __future__ import annotations

import streamlit as st

from pages.parts.identity import person
from pages.parts.plain import plain
from pages.parts.recording import Recording
from pages.parts.uploaded_scan import NOTHING_MADE, UploadedScan
from vmcore.imaging import ReadLimits, ScanError, read_source_sandboxed
from vmcore.reporting.case import ReportedCase, dicom

_IDENTITY = (
    "These files carry the patient's name and numbers, because they belong to the patient's study: send "
    "them only where the original may go."
)


def dicom_files(
    uploaded: UploadedScan, case: ReportedCase, limits: ReadLimits, *, looked: bool
) -> None:
    """The button that makes the files, and the one that saves them.

    Args:
        uploaded: the scan, for its original.
        case: what is told of its frame.
        limits: the most that a file may claim.
        looked: whether somebody saw that no name is visible in the cleaned picture.
    """
    of_study = uploaded.kind == "DICOM"
    asked = st.button(
        "DICOM (capture, report, presentation state)",
        key=f"dicom-{uploaded.key}-{case.analysis.frame}",
        disabled=not (of_study and looked),
        icon=":material/medical_information:",
        width="stretch",
        help=None if of_study else "Only a DICOM file belongs to a study; this picture does not.",
    )
    if not of_study or not looked:
        return
    # until anything in them would be another one; a page that is drawn anew forgets which button was pressed
    method = case.analysis.prediction.heatmap_method
    key = (uploaded.answer_key(case.analysis), method, case.grades, case.assessment, person())
    if asked:
        uploaded.dicom_made = (key, *_made(uploaded, case, limits))
    made_for, count, packed = uploaded.dicom_made
    if made_for != key or not count:
        uploaded.dicom_made = NOTHING_MADE  # it names the patient
        return
    st.warning(_IDENTITY, icon=":material/badge:")
    st.download_button(
        f"Save {count} DICOM files",
        packed,
        f"ventriscope-scan-{uploaded.number}-frame-{case.analysis.frame + 1}-dicom.zip",
        "application/zip",
        type="primary",
        icon=":material/download:",
        on_click="ignore",
        width="stretch",
    )


def _made(uploaded: UploadedScan, case: ReportedCase, limits: ReadLimits) -> tuple[int, bytes]:
    """How many objects there are, and all of them as a zip; none, and why is said, where there can be none."""
    try:
        with st.spinner("Writing DICOM …", show_time=False):
            source = read_source_sandboxed(uploaded.content(), limits=limits)
            who = person()
            made = dicom.case_objects(
                case, source, observer=who.name if who.signed_in else "", looked_at=True
            )
            packed = dicom.objects_zip(made)
            Recording.of_session().exported(case, "dicom", with_identity=True)
    except (ScanError, dicom.StudyError) as error:
        st.warning(plain(str(error)), icon=":material/warning:")
        return 0, b""
    return len(made), packed
