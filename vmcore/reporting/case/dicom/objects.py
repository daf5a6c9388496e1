"""All DICOM objects of one frame's report."""

from __future__ import annotations

import io
import logging
import zipfile
from collections.abc import Iterable

from pydicom import Dataset

from vmcore.imaging.dicom.silence import silence
from vmcore.reporting.case.dicom.presentation_state import presentation_state
from vmcore.reporting.case.dicom.secondary_capture import secondary_capture
from vmcore.reporting.case.dicom.structured_report import structured_report
from vmcore.reporting.case.dicom.study import source_study
from vmcore.reporting.case.reported import ReportedCase

# its lines quote instances
logging.getLogger("highdicom").setLevel(logging.CRITICAL + 1)

_FILES = {"OT": "capture.dcm", "SR": "report.dcm", "PR": "presentation-state.dcm"}


def case_objects(
    case: ReportedCase, source: Dataset, *, observer: str = "", looked_at: bool = False
) -> list[Dataset]:
    """A frame's report as objects of the original's study, each in a series of its own.

    A Secondary Capture image, a structured report, and a presentation state where there is anything to
    draw. They carry the patient's identity, since they belong to the patient's study.

    Args:
        case: what is told, with a heatmap.
        source: the original's header (:func:`vmcore.imaging.dicom.read_source`).
        observer: who set the callipers by hand, or "".
        looked_at: whether a person saw that no name is visible in the picture.

    Raises:
        StudyError: the original's study, image or patient is not told in a way that DICOM allows.
        ValueError: the analysis has no heatmap.
    """
    study = source_study(source, case.analysis.frame)
    made = [
        secondary_capture(case, study, looked_at=looked_at),
        structured_report(case, study, observer),
        presentation_state(case, study),
    ]
    with silence():
        return [study.join(one) for one in made if one is not None]


def objects_zip(objects: Iterable[Dataset]) -> bytes:
    """Objects as DICOM files in an archive, named by what they are and not by whom they are of.

    Args:
        objects: of one case (:func:`case_objects`).
    """
    stream = io.BytesIO()
    with silence(), zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in objects:
            file = io.BytesIO()
            one.save_as(file, enforce_file_format=True)
            archive.writestr(_FILES[str(one.Modality)], file.getvalue())
    return stream.getvalue()
