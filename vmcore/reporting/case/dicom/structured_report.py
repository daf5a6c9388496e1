"""The report itself: a Comprehensive SR by the template for measurements (PS3.16 TID 1500)."""

from __future__ import annotations

from datetime import UTC

from highdicom.sr import (
    ComprehensiveSR,
    DeviceObserverIdentifyingAttributes,
    MeasurementReport,
    ObservationContext,
    ObserverContext,
    SubjectContext,
    SubjectContextFetus,
    TextContentItem,
)
from highdicom.sr import RelationshipTypeValues as Relationship
from pydicom import Dataset

from vmcore import RESEARCH_USE_ONLY
from vmcore.reporting.case.assessment import Assessment
from vmcore.reporting.case.dicom import concepts
from vmcore.reporting.case.dicom.equipment import (
    NAME,
    PURPOSE,
    device_uid,
    made_by,
    new_uid,
    person_name,
)
from vmcore.reporting.case.dicom.findings import findings
from vmcore.reporting.case.dicom.groups import UNNAMED
from vmcore.reporting.case.dicom.study import SourceStudy
from vmcore.reporting.case.reported import ReportedCase

SERIES_NUMBER = 9002
_VERIFYING = {"accepted", "corrected"}
_NO_ORGANISATION = "Not stated"


def structured_report(case: ReportedCase, study: SourceStudy, observer: str = "") -> Dataset:
    """Verdict, width, callipers by hand and a person's decision as a structured report.

    It is verified where a person whom a login knows accepted or corrected the answer, else it is not: a
    name that somebody typed vouches for nothing. Preliminary in any case, since it is for research.

    Args:
        case: what is told.
        study: to which it refers and which it does not name yet (:meth:`SourceStudy.join`).
        observer: who set the callipers by hand, or "".
    """
    device = DeviceObserverIdentifyingAttributes(
        uid=device_uid(), name=NAME, manufacturer_name=NAME, model_name=NAME
    )
    report = MeasurementReport(
        ObservationContext(
            observer_device_context=ObserverContext(concepts.DEVICE, device),
            subject_context=SubjectContext(
                concepts.FETUS, SubjectContextFetus("the fetus in the picture")
            ),
        ),
        procedure_reported=concepts.OBSTETRIC_SCAN,
        imaging_measurements=findings(case, study, observer),
    )
    report[0].ContentSequence.append(
        TextContentItem(concepts.COMMENT, RESEARCH_USE_ONLY, Relationship.CONTAINS)
    )
    made = ComprehensiveSR(
        evidence=[study.reference],
        content=report[0],
        series_instance_uid=new_uid(),
        series_number=SERIES_NUMBER,
        sop_instance_uid=new_uid(),
        instance_number=1,
        is_complete=True,
        series_description=f"{NAME} report. {PURPOSE}",
        **made_by(),
    )
    request = _request(study)
    if request is not None:
        made.ReferencedRequestSequence = [request]
    decided = case.assessment
    if decided is not None and decided.signed_in and decided.outcome in _VERIFYING:
        made.VerificationFlag = "VERIFIED"
        made.VerifyingObserverSequence = [_verifying(decided, study)]
    return made


def _verifying(assessment: Assessment, study: SourceStudy) -> Dataset:
    item = Dataset()
    item.VerifyingObserverName = person_name(assessment.person) or f"{UNNAMED}^"
    item.VerifyingObserverIdentificationCodeSequence = []
    item.VerifyingOrganization = study.organisation or _NO_ORGANISATION
    item.VerificationDateTime = f"{assessment.at.astimezone(UTC):%Y%m%d%H%M%S.%f}+0000"
    return item


def _request(study: SourceStudy) -> Dataset | None:
    """The request that the study fulfils, as far as the original names it (PS3.3 C.17.2)."""
    number = study.identity.get("AccessionNumber")
    if not number:
        return None
    item = Dataset()
    item.StudyInstanceUID = study.identity.StudyInstanceUID
    item.ReferencedStudySequence = []
    item.AccessionNumber = number
    for keyword in (
        "PlacerOrderNumberImagingServiceRequest", "FillerOrderNumberImagingServiceRequest",
        "RequestedProcedureID", "RequestedProcedureDescription",
    ):  # fmt: skip
        setattr(item, keyword, "")
    item.RequestedProcedureCodeSequence = []
    return item
