"""Building a measurement group of the report (PS3.16 TID 1501) and what stands in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from highdicom.sr import (
    AlgorithmIdentification,
    CoordinatesForMeasurement,
    FindingSite,
    Measurement,
    MeasurementProperties,
    MeasurementsAndQualitativeEvaluations,
    NumContentItem,
    ObserverContext,
    PersonObserverIdentifyingAttributes,
    QualitativeEvaluation,
    RelationshipTypeValues,
    SourceImageForMeasurementGroup,
    SourceImageForRegion,
    TextContentItem,
    TrackingIdentifier,
)

from vmcore.reporting.case.dicom import concepts
from vmcore.reporting.case.dicom.coordinates import Points
from vmcore.reporting.case.dicom.equipment import NAME, new_uid, person_name
from vmcore.reporting.case.dicom.study import SourceStudy

Group = MeasurementsAndQualitativeEvaluations
UNNAMED = "Unnamed"
"""A person of whom the program knows no more than that it was one."""
_STAND_IN = "Observer^"  # what libraries see instead of a name, which they might quote


def measurement_group(
    name: str,
    study: SourceStudy,
    *,
    algorithm: AlgorithmIdentification | None = None,
    person: str | None = None,
    measurements: Sequence[Measurement] = (),
    evaluations: Sequence[QualitativeEvaluation] = (),
    comments: Iterable[str] = (),
) -> Group:
    """A group about the lateral ventricle in one frame.

    Args:
        name: of what is told.
        study: to whose image and frame it refers.
        algorithm: what observed it (TID 4019).
        person: who observed it; the program without one (TID 1002).
        measurements: what was measured.
        evaluations: what was judged.
        comments: sentences about it.
    """
    image = study.reference
    group = Group(
        TrackingIdentifier(uid=new_uid(), identifier=f"{NAME}: {name}"),
        algorithm_id=algorithm,
        finding_sites=[FindingSite(concepts.LATERAL_VENTRICLE)],
        measurements=measurements or None,
        qualitative_evaluations=evaluations or None,
        source_images=[
            SourceImageForMeasurementGroup(image.SOPClassUID, image.SOPInstanceUID, _frames(study))
        ],
    )
    content = group[0].ContentSequence
    if person is not None:
        for item in reversed(person_observer(person)):
            content.insert(0, item)
    for comment in comments:
        item = TextContentItem(concepts.COMMENT, comment, RelationshipTypeValues.CONTAINS)
        content.append(item)
    return group


def person_observer(name: str) -> ObserverContext:
    """A person as who observed (TID 1002 and 1003)."""
    context = ObserverContext(concepts.PERSON, PersonObserverIdentifyingAttributes(_STAND_IN))
    context[1].PersonName = person_name(name) or f"{UNNAMED}^"
    return context


def width_measurement(
    ends: Points,
    width_mm: float | None,
    width_px: float,
    study: SourceStudy,
    uncertainty_mm: tuple[float, float] | None = None,
    *,
    holds: bool = True,
) -> Measurement:
    """The atrium's width with its two ends (TID 300 and 320).

    In millimetres, in tenths as it is told, it has the code of the fetal lateral ventricle's width; in
    pixels, where no scale is known, and where it does not hold, that of a length alone, so that nobody
    takes it for the ventricle's width.

    Args:
        ends: (2, 2) (column, row) in the source image.
        width_mm: or None.
        width_px: in pixels.
        study: to whose image and frame the ends belong.
        uncertainty_mm: how far the 95 % interval reaches below and above the width (TID 310).
        holds: whether it is the width of an atrium; False where a person rejected it, or it cannot be one.
    """
    image = study.reference
    place = CoordinatesForMeasurement(
        "POLYLINE",
        ends,
        SourceImageForRegion(image.SOPClassUID, image.SOPInstanceUID, _frames(study)),
    )
    known = width_mm is not None
    return Measurement(
        concepts.VENTRICLE_WIDTH if known and holds else concepts.LENGTH,
        round(width_px, 2) if width_mm is None else round(width_mm, 1),
        concepts.MILLIMETRE if known else concepts.PIXELS,
        finding_sites=[FindingSite(concepts.LATERAL_VENTRICLE)],
        properties=_uncertainty(uncertainty_mm) if uncertainty_mm else None,
        referenced_coordinates=[place],
    )


def presence(said: concepts.Said) -> QualitativeEvaluation:
    """Whether there is a ventriculomegaly; undetermined where the verdict is withheld."""
    return QualitativeEvaluation(concepts.VENTRICULOMEGALY, concepts.PRESENCE[said])


def _uncertainty(below_and_above_mm: tuple[float, float]) -> MeasurementProperties:
    properties = MeasurementProperties()
    names = (concepts.LOWER_UNCERTAINTY, concepts.UPPER_UNCERTAINTY)
    for name, value in zip(names, below_and_above_mm, strict=True):
        properties.append(
            NumContentItem(
                name,
                round(value, 1),
                concepts.MILLIMETRE,
                relationship_type=RelationshipTypeValues.HAS_PROPERTIES,
            )
        )
    return properties


def _frames(study: SourceStudy) -> list[int] | None:
    return None if study.frame is None else [study.frame]
