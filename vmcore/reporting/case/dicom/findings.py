"""Measurement groups of the report (PS3.16 TID 1501): the machine's, a person's, and what was decided."""

from __future__ import annotations

from highdicom.sr import (
    AlgorithmIdentification,
    FindingSite,
    Measurement,
    MeasurementProperties,
)

from vmcore.anatomy import Anatomy, AtriumCalliper, HandCalliper
from vmcore.reporting.case.assessment import Assessment
from vmcore.reporting.case.comparison import case_verdict, doubtful_by_hand
from vmcore.reporting.case.decided import answer_holds, decision_words
from vmcore.reporting.case.dicom import concepts
from vmcore.reporting.case.dicom.coordinates import in_source
from vmcore.reporting.case.dicom.equipment import NAME
from vmcore.reporting.case.dicom.groups import (
    UNNAMED,
    Group,
    measurement_group,
    presence,
    width_measurement,
)
from vmcore.reporting.case.dicom.study import SourceStudy
from vmcore.reporting.case.reported import ReportedCase
from vmcore.reporting.cautions import caution
from vmcore.reporting.figures import decimal
from vmcore.reporting.measurement import interval_mm, why_not_measured, width_words
from vmcore.reporting.words import verdict

_UNNAMED_MODEL = "no version: not loaded from a bundle"
_BY = {
    "file": "the pixel size in the file",
    "ruler": "the ruler that the scanner drew",
    "gestational age": "the head's expected size at the gestational age that was told",
    "hand": "a distance that a person set",
}
_OUTCOMES = {
    "accepted": "A person accepted the answer.",
    "corrected": "A person corrected the answer.",
    "rejected": "A person rejected the answer: it is not to be used.",
}


def findings(case: ReportedCase, study: SourceStudy, observer: str) -> list[Group]:
    """All groups of a frame's report: what a person decided, the verdict, the width, those by hand.

    Args:
        case: what is told.
        study: to whose image it refers.
        observer: who set the callipers by hand, or "".
    """
    decided = [] if case.assessment is None else [_decided(case.assessment, study)]
    groups = [*decided, _answer(case, study)]
    if case.analysis.anatomy is not None:
        groups.append(_measured(case, case.analysis.anatomy, study))
    groups += [_by_hand(case, one, study, observer) for one in case.hand]
    together = case_verdict(case)
    if together != verdict(case.analysis, case.grades):
        groups.append(
            measurement_group(
                "Verdict with callipers by hand",
                study,
                evaluations=[presence(together.tone)] if answer_holds(case) else [],
                comments=(together.headline, together.sentence),
            )
        )
    return groups


def _answer(case: ReportedCase, study: SourceStudy) -> Group:
    """The verdict, which rests on classifier and measurement.

    It says whether there is a ventriculomegaly only where no callipers by hand and no decision of a person
    say otherwise: of several findings with one code a reader may take the first.
    """
    analysis = case.analysis
    prediction, said = analysis.prediction, verdict(analysis, case.grades)
    alone = answer_holds(case) and said == case_verdict(case)
    folds = ", ".join(decimal(float(value)) for value in prediction.fold_probabilities)
    algorithm = AlgorithmIdentification(
        name=case.card.name,
        version=analysis.bundle_digest or _UNNAMED_MODEL,
        parameters=[
            f"anatomy model: {analysis.anatomy_digest or _UNNAMED_MODEL}",
            f"threshold: {decimal(prediction.threshold)}",
            f"grades: {case.grades}",
        ],
    )
    probability = (
        f"The classifier's probability of ventriculomegaly is {decimal(prediction.probability)}"
    )
    return measurement_group(
        "Verdict",
        study,
        algorithm=algorithm,
        evaluations=[presence(said.tone)] if alone else [],
        comments=(
            *_decision(case), said.headline, said.sentence, f"{probability} (folds {folds}).", *analysis.scan.notes, *caution(analysis),
        ),
    )  # fmt: skip


def _measured(case: ReportedCase, anatomy: Anatomy, study: SourceStudy) -> Group:
    """The atrium's width by the anatomy model, or why there is none."""
    algorithm = AlgorithmIdentification(
        name=f"{NAME} anatomy model", version=case.analysis.anatomy_digest or _UNNAMED_MODEL
    )
    if anatomy.atrium is None:
        return measurement_group(
            "Atrial width", study, algorithm=algorithm, comments=(why_not_measured(anatomy),)
        )
    atrium = anatomy.atrium
    comments = [
        *_decision(case),
        f"Atrial width, inner to inner wall: {width_words(atrium)}.",
        f"The ventricle lies in the half of the head that is {_where(atrium.side)} the probe.",
        *_scale_words(atrium.millimetres_from),
    ]
    offset = case.analysis.clean.offset
    ends = in_source([atrium.start, atrium.end], offset)
    width = width_measurement(
        ends,
        atrium.width_mm,
        atrium.width_px,
        study,
        _uncertainty(atrium),
        holds=answer_holds(case),
    )
    return measurement_group(
        "Atrial width", study, algorithm=algorithm, measurements=[width], comments=comments
    )


def _by_hand(case: ReportedCase, hand: HandCalliper, study: SourceStudy, observer: str) -> Group:
    """A width that a person measured."""
    comments = [*_decision(case), "Measured by a person."]
    if hand.side is not None:
        comments.append(
            f"The ventricle lies in the half of the head that is {_where(hand.side)} the probe."
        )
    comments += _scale_words(hand.millimetres_from)
    if hand.width_mm is None and hand.why_no_mm:
        comments.append(hand.why_no_mm)
    doubt = doubtful_by_hand(hand, case.analysis.anatomy)
    comments += [] if doubt is None else [doubt]
    ends = in_source([hand.start, hand.end], case.analysis.clean.offset)
    width = width_measurement(
        ends, hand.width_mm, hand.width_px, study, holds=doubt is None and answer_holds(case)
    )
    return measurement_group(
        "Atrial width by hand",
        study,
        person=observer or UNNAMED,
        measurements=[width],
        comments=comments,
    )


def _decided(assessment: Assessment, study: SourceStudy) -> Group:
    """What a person decided about the answer."""
    measurements = []
    if assessment.width_mm is not None:
        measurements.append(
            Measurement(
                concepts.VENTRICLE_WIDTH,
                round(assessment.width_mm, 1),
                concepts.MILLIMETRE,
                properties=MeasurementProperties(selection_status=concepts.USER_CHOSEN),
                finding_sites=[FindingSite(concepts.LATERAL_VENTRICLE)],
            )
        )
    evaluations = []
    if assessment.label is not None:
        evaluations.append(presence(assessment.label))
    comments = [_OUTCOMES[assessment.outcome]]
    if assessment.reason:
        comments.append(f"Reason: {assessment.reason}")
    if assessment.comment:
        comments.append(assessment.comment)
    return measurement_group(
        "Decision", study, person=assessment.person, measurements=measurements, evaluations=evaluations,
        comments=comments,
    )  # fmt: skip


def _decision(case: ReportedCase) -> list[str]:
    """What a person decided, beside what does not hold therefore."""
    words = decision_words(case)
    return [] if words is None or answer_holds(case) else [words]


def _uncertainty(atrium: AtriumCalliper) -> tuple[float, float] | None:
    """How far the width's 95 % interval reaches below and above it, in mm; None without mm."""
    between = interval_mm(atrium)
    if between is None or atrium.width_mm is None:
        return None
    low, width, high = (round(mm, 1) for mm in (between[0], atrium.width_mm, between[1]))
    return width - low, high - width


def _where(side: str) -> str:
    return "near to" if side == "near" else "far from"


def _scale_words(millimetres_from: str | None) -> list[str]:
    return [f"Millimetres by {_BY[millimetres_from]}."] if millimetres_from in _BY else []
