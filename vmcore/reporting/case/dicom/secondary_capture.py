"""The cleaned picture and its heatmap, with callipers, as a Secondary Capture image (PS3.3 A.8)."""

from __future__ import annotations

import io

import numpy as np
from highdicom.sc import SCImage
from PIL import Image
from pydicom import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian

from vmcore import RESEARCH_USE_ONLY
from vmcore.inference import HEATMAP_NAMES
from vmcore.reporting.case.dicom.equipment import NAME, PURPOSE, made_by, new_uid
from vmcore.reporting.case.dicom.study import SourceStudy
from vmcore.reporting.case.reported import ReportedCase
from vmcore.reporting.pictures import heatmap_png

SERIES_NUMBER = 9001
_LONGEST_DESCRIPTION = 1024


def secondary_capture(case: ReportedCase, study: SourceStudy, *, looked_at: bool) -> Dataset:
    """The picture as it is handed out as PNG, as an RGB image derived from the original.

    Args:
        case: with a heatmap.
        study: to which it refers and which it does not name yet (:meth:`SourceStudy.join`).
        looked_at: whether a person saw that no name is visible in it; then BurnedInAnnotation is NO: what
            is drawn in tells of the answer, not of the patient. Without that it is not claimed.

    Raises:
        ValueError: the analysis has no heatmap.
    """
    png = heatmap_png(case)
    picture = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    made = SCImage.from_ref_dataset(
        study.reference,
        picture,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        series_instance_uid=new_uid(),
        series_number=SERIES_NUMBER,
        sop_instance_uid=new_uid(),
        instance_number=1,
        patient_orientation=("L", "P"),
        transfer_syntax_uid=ExplicitVRLittleEndian,
        series_description=f"{NAME} capture. {PURPOSE}",
        **made_by(),
    )
    made["PatientOrientation"].value = None  # nobody knows how the fetus lies (type 2C)
    made.ConversionType = "WSD"
    if looked_at:
        made.BurnedInAnnotation = "NO"
    made.DerivationDescription = _derivation(case)[:_LONGEST_DESCRIPTION]
    made.ImageComments = RESEARCH_USE_ONLY
    made.SourceImageSequence = [_source(study)]
    for element in study.lossy:
        made[element.tag] = element
    return made


def _derivation(case: ReportedCase) -> str:
    digest = case.analysis.bundle_digest
    method = HEATMAP_NAMES[case.analysis.prediction.heatmap_method]
    version = f", version {digest[:12]}" if digest else ""
    return (
        f"{RESEARCH_USE_ONLY} Left: the frame, cut to its scan and cleaned of text and drawing, with the "
        f"measured calliper. Right: the same under the heatmap ({method}) of the classifier "
        f"{case.card.name}{version}. Pixels are resampled; measure in the source image."
    )


def _source(study: SourceStudy) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = study.sop_class
    item.ReferencedSOPInstanceUID = study.reference.SOPInstanceUID
    if study.frame is not None:
        item.ReferencedFrameNumber = study.frame
    purpose = Dataset()
    code = codes.DCM.SourceImageForImageProcessingOperation
    purpose.CodeValue, purpose.CodeMeaning = code.value, code.meaning
    purpose.CodingSchemeDesignator = code.scheme_designator
    item.PurposeOfReferenceCodeSequence = [purpose]
    return item
