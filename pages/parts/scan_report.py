"""The answer to one scan as a PDF, with the patient's name only where the person asks for it."""

from __future__ import annotations

import streamlit as st

from pages.parts.recording import Recording
from pages.parts.uploaded_scan import UploadedScan
from vmcore.imaging import ReadLimits, read_source_sandboxed
from vmcore.inference import Analysis, Classifier
from vmcore.reporting import case as reports  # what it asks of it is loaded with the first report
from vmcore.reporting.case.reported import ReportedCase
from vmcore.settings import settings


def reported_case(
    uploaded: UploadedScan, analysis: Analysis, classifier: Classifier
) -> ReportedCase:
    """All that is told of a frame: the answer and what a person decided about it."""
    return ReportedCase(
        analysis,
        classifier.card,
        settings().grades,
        hand=uploaded.hand.get(analysis.frame, ()),
        assessment=uploaded.assessment(analysis),
    )


def pdf_button(uploaded: UploadedScan, case: ReportedCase, name: str, *, looked: bool) -> None:
    """The button that saves the report, and the switch for the patient's name beside it.

    Args:
        uploaded: the scan, whose file is read again only where its names are asked for.
        case: what is told.
        name: of the file that is saved; holds no patient's.
        looked: whether somebody looked at the cleaned picture.
    """
    named = _asks_for_identity(uploaded, name)
    recording = Recording.of_session()

    def report() -> bytes:
        try:
            identity = _identity(uploaded.content(), settings().read_limits()) if named else None
            data = reports.report_pdf(case, identity=identity)
        except Exception as error:  # its words may quote the patient's name
            raise RuntimeError(f"The report cannot be made ({type(error).__name__}).") from None
        recording.exported(case, "pdf", with_identity=named)
        return data

    st.download_button(
        "Report PDF with the patient's name" if named else "Report PDF",
        report,
        name,
        "application/pdf",
        disabled=not looked,
        icon=":material/picture_as_pdf:",
        on_click="ignore",
        width="stretch",
    )


def _asks_for_identity(uploaded: UploadedScan, key: str) -> bool:
    """Draw the switch; off for each new picture, and where the file has no header to take a name from."""
    has_header = uploaded.kind == "DICOM"
    return st.toggle(
        "Patient's name and numbers in the PDF"
        if has_header
        else f"No patient's name in the PDF: {uploaded.kind} files hold none",
        key=f"named-{key}",
        disabled=not has_header,
        help="Read from the file's header when the report is saved, and written nowhere else.",
    )


def _identity(data: bytes, limits: ReadLimits) -> reports.PatientIdentity:
    """Who was examined, from the original file.

    Raises:
        ScanError: the file cannot be read.
    """
    return reports.identity_of(read_source_sandboxed(data, limits=limits))
