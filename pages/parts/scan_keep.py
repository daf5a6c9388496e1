"""Keep decided scans for training, once anything is decided; nothing of it is loaded before that."""

from __future__ import annotations

from pages.parts.uploaded_scan import Models, UploadedScan
from pages.parts.uploads import Uploads
from vmcore.reporting.case import ReportedCase


def show_keeping(
    uploads: Uploads, uploaded: UploadedScan, case: ReportedCase, models: Models
) -> None:
    """Draw the form beside a decision."""
    if any(one.assessments for one in uploads.files):
        from pages.parts.keeping_form import draw_form  # noqa: PLC0415  not before it is needed

        draw_form(uploads, uploaded, case, models)
