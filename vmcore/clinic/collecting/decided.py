"""What may be kept of a decided scan, and why another one may not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vmcore.clinic.collecting.subjects import SubjectNumber
from vmcore.reporting.case import ReportedCase, widest_by_hand
from vmcore.reporting.case.assessment import Label


class NotKeptError(ValueError):
    """A scan that cannot be kept for training, with one sentence that says why."""


@dataclass(frozen=True, slots=True)
class DecidedScan:
    """A frame's cleaned pixels, what a person says that they show, and what is known of them.

    Attributes:
        image: uint8 (H, W, 3), RGB, cleaned; never the original's pixels.
        label: the person's: the answer's where it was accepted.
        label_from: whether the answer was accepted or corrected.
        subject: whose it is.
        person: who decided; a collection keeps a number for that.
        answered_by: digest of the bundle that had answered, or None.
        atrial_width_mm: what the person measured or said in a correction; None where only the machine did.
        gestational_age_weeks: where the person told it.
        device: manufacturer and model, or None.
        plane_fits: whether the plane is one in which an atrium was measured; None where nobody looked.
    """

    image: npt.NDArray[np.uint8]
    label: Label
    label_from: str
    subject: SubjectNumber
    person: str
    answered_by: str | None = None
    atrial_width_mm: float | None = None
    gestational_age_weeks: float | None = None
    device: str | None = None
    plane_fits: bool | None = None


def why_not_kept(case: ReportedCase, *, looked: bool) -> str | None:
    """Why a frame cannot be kept for training, in a sentence; None where it can.

    Args:
        case: the answer and what was decided about it; its pixels are not asked for.
        looked: whether somebody looked at the cleaned picture and saw no name in it.
    """
    decided = case.assessment
    if decided is None:
        return "Nobody has decided about its answer."
    if decided.outcome == "rejected":
        return "Its answer was rejected."
    if decided.label is None:
        return (
            "The decision names no finding; say which it is: Change, then Correct, and choose normal or "
            "ventriculomegaly."
        )
    return None if looked else "Nobody has looked whether a name is visible in it."


def decided_scan(
    case: ReportedCase, subject: SubjectNumber, *, looked: bool, weeks: float | None = None
) -> DecidedScan:
    """What is kept of a frame.

    Args:
        case: the answer with its picture, and what was decided about it.
        subject: whose it is.
        looked: whether somebody looked at the cleaned picture and saw no name in it.
        weeks: gestational age, where it was told.

    Raises:
        NotKeptError: it cannot be kept (:func:`why_not_kept`).
    """
    why = why_not_kept(case, looked=looked)
    if why is not None:
        raise NotKeptError(why)
    if not case.analysis.clean.image.size:
        raise NotKeptError("An answer without its picture cannot be kept.")
    return told_of(case, subject, weeks=weeks)


def told_of(case: ReportedCase, subject: SubjectNumber, *, weeks: float | None) -> DecidedScan:
    """What is told of a frame that may be kept (:func:`why_not_kept`), with its pixels where it has any.

    Raises:
        NotKeptError: its decision names no finding.
    """
    decided, anatomy = case.assessment, case.analysis.anatomy
    if decided is None or decided.label is None:
        raise NotKeptError("Nobody has decided about its answer.")
    return DecidedScan(
        case.analysis.clean.image, decided.label, decided.outcome, subject, decided.person,
        case.analysis.bundle_digest, _width_mm(case), weeks, case.analysis.scan.device,
        None if anatomy is None else anatomy.plane.fits,
    )  # fmt: skip


def _width_mm(case: ReportedCase) -> float | None:
    """The widest that the person measured, else what a correction says; never the machine's own."""
    by_hand = widest_by_hand(case)
    if by_hand is not None:
        return by_hand
    decided = case.assessment
    return decided.width_mm if decided is not None and decided.outcome == "corrected" else None
