"""What a report says of a frame, in sections of plain text, wherever they are then drawn."""

from __future__ import annotations

from dataclasses import dataclass

from vmcore import __version__
from vmcore.anatomy import grade
from vmcore.inference import Analysis
from vmcore.reporting.case.assessment import Assessment
from vmcore.reporting.case.comparison import comparison_words, hand_words
from vmcore.reporting.case.picture_digest import picture_digest
from vmcore.reporting.case.reported import ReportedCase
from vmcore.reporting.cautions import caution
from vmcore.reporting.figures import percent
from vmcore.reporting.measurement import (
    head_words,
    pixel_size_words,
    shown_mm,
    why_no_mm,
    why_not_measured,
    width_words,
)

_DEGREES = {
    "isuog": "Degrees of ISUOG 2020: mild 10 to 12 mm, moderate over 12 and under 15, severe from 15 mm on.",
    "two": "Degrees: mild 10 to under 15 mm, severe from 15 mm on.",
}
_FROM = {
    "file": "Millimetres from the pixel size in the file",
    "ruler": "Millimetres from the ruler that the scanner drew",
    "gestational age": "Millimetres from the head size expected at the gestational age that was told",
}
_SIDE = {"near": "near to", "far": "far from"}
_DECIDED = {"accepted": "Accepted", "corrected": "Corrected", "rejected": "Rejected"}


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and the paragraphs below it."""

    title: str
    paragraphs: tuple[str, ...]


def sections(case: ReportedCase) -> tuple[tuple[Section, ...], tuple[Section, ...]]:
    """All sections of a report: what was found, and what stands beside it (two columns).

    A column's last section is the one that may be shortened first.

    Args:
        case: the frame. What is said names no patient, apart from what a person wrote.
    """
    analysis = case.analysis
    left = (
        Section("Measured", measured(case)),
        Section("Measured by hand", by_hand(case)),
        Section("Classifier", classified(case)),
        Section("Plane", plane(analysis)),
        Section("Made by", made_by(case)),
        Section("Removed from the picture", removed(analysis)),
    )
    right = (
        Section("Decision of a person", decision(case.assessment)),
        Section("To bear in mind", (*analysis.scan.notes, *caution(analysis)) or ("Nothing.",)),
        Section("Limits", tuple(case.card.limits) or ("The model's card states none.",)),
    )
    return left, right


def measured(case: ReportedCase) -> tuple[str, ...]:
    """The width with its 95 % interval and degree, where its millimetres come from, and the head."""
    anatomy = case.analysis.anatomy
    if anatomy is None:
        return ("Nothing was measured: no anatomy model was at hand.",)
    if anatomy.atrium is None:
        return (why_not_measured(anatomy), *filter(None, [head_words(anatomy)]))
    atrium, width = anatomy.atrium, shown_mm(anatomy.atrium)
    degree = "" if width is None else f": {grade(width, case.grades)}"
    said = [f"Atrial width {width_words(atrium)}{degree}. In brackets the 95% interval."]
    if width is None:
        why = why_no_mm(anatomy)
        said.append(f"{why[0].upper()}{why[1:]}, so there are no millimetres and no degree.")
    else:
        source = _FROM[atrium.millimetres_from or "file"]
        by_age = atrium.millimetres_from == "gestational age"
        said.append(f"{source}." if by_age else f"{source} ({pixel_size_words(case.analysis)}).")
        said.append(_DEGREES[case.grades])
    said.append(f"Measured in the half of the head that is {_SIDE[atrium.side]} the probe.")
    return (*said, *filter(None, [head_words(anatomy)]))


def by_hand(case: ReportedCase) -> tuple[str, ...]:
    """Each width that a person measured, and whether it contradicts the machine's."""
    if not case.hand:
        return ("Nothing was measured by hand.",)
    return tuple(
        f"{hand_words(one).rstrip('.')}. {comparison_words(one, case.analysis.anatomy)}"
        for one in case.hand
    )


def classified(case: ReportedCase) -> tuple[str, ...]:
    """The probability, each fold's, the threshold, and whether the model knows such pictures."""
    prediction = case.analysis.prediction
    folds = ", ".join(percent(float(value)) for value in prediction.fold_probabilities)
    known = {
        True: "The picture is like those that the model learnt from",
        False: "The picture is unlike those that the model learnt from",
        None: "The model cannot tell whether it knows such pictures",
    }[prediction.in_domain]
    score = "" if prediction.ood_score is None else f" (score {prediction.ood_score:.2f})"
    return (
        (
            f"Probability of ventriculomegaly {percent(prediction.probability)}, called "
            f"{prediction.label}; threshold {percent(prediction.threshold)} ({case.card.threshold_rule})."
        ),
        f"Folds: {folds}.",
        f"{known}{score}.",
    )


def plane(analysis: Analysis) -> tuple[str, ...]:
    """What is visible in the plane, and whether it fits."""
    if analysis.anatomy is None:
        return ("Nobody looked at the plane: no anatomy model was at hand.",)
    shown = analysis.anatomy.plane
    fits = (
        "An atrium was measured in it."
        if shown.fits
        else "It does not fit for measuring an atrium."
    )
    return (
        (
            f"Lateral ventricle visible {percent(shown.ventricle)}, cavum of the septum pellucidum "
            f"{percent(shown.cavum)}. {fits}"
        ),
    )


def removed(analysis: Analysis) -> tuple[str, ...]:
    """What cleaning took away, and why."""
    if not analysis.clean.removals:
        return ("Nothing: no colour and no text was found.",)
    return tuple(
        f"{one.why[:1].upper()}{one.why[1:]}"
        + (f" ({one.pixels:,} pixels)." if one.pixels else ".")
        for one in analysis.clean.removals
    )


def decision(assessment: Assessment | None) -> tuple[str, ...]:
    """What a person decided about the answer."""
    if assessment is None:
        return ("Not yet decided.",)
    when = assessment.at.strftime("%Y-%m-%d %H:%M %Z").strip()
    said = [f"{_DECIDED[assessment.outcome]} by {assessment.person}, {when}."]
    if assessment.label is not None:
        said.append(f"Finding: {assessment.label}.")
    elif assessment.outcome == "accepted":
        said.append("Finding: left open, as the verdict leaves it.")
    if assessment.width_mm is not None:
        said.append(f"Atrial width: {assessment.width_mm:.1f} mm.")
    if assessment.reason:
        said.append(f"Why: {assessment.reason}")
    if assessment.comment:
        said.append(f"Comment: {assessment.comment}")
    return tuple(said)


def made_by(case: ReportedCase) -> tuple[str, ...]:
    """Models with their versions, the program's, the device and the picture."""
    analysis, card = case.analysis, case.card
    made = f", made {card.created}" if card.created else ""
    return (
        (
            f"Classifier: {card.name} ({card.folds} folds of {card.architecture}{made}). "
            f"Bundle: {analysis.bundle_digest or 'no digest'}"
        ),
        f"Anatomy model: {analysis.anatomy_digest or 'none, or no digest'}",
        f"Picture (SHA-256 of the cleaned pixels): {picture_digest(analysis.clean.image)}",
        (
            f"VentriScope {__version__}. {analysis.scan.kind or 'Picture'}, frame {analysis.frame + 1} of {len(analysis.scan.frames)}, "
            f"device: {analysis.scan.device or 'not named'}."
        ),
    )
