"""All that a report tells of one frame."""

from __future__ import annotations

from dataclasses import dataclass

from vmcore.anatomy import Grades, HandCalliper
from vmcore.inference import Analysis
from vmcore.models import BundleCard
from vmcore.reporting.case.assessment import Assessment


@dataclass(frozen=True, slots=True)
class ReportedCase:
    """One frame's answer, what people measured and what they decided.

    Attributes:
        analysis: the frame, cleaned, measured and judged. It names no person.
        card: of the bundle that judged; ``analysis.bundle_digest`` is its version.
        grades: how a width is graded (:func:`vmcore.anatomy.grade`).
        hand: callipers that a person set.
        assessment: what a person decided about the answer; None before that.
    """

    analysis: Analysis
    card: BundleCard
    grades: Grades = "isuog"
    hand: tuple[HandCalliper, ...] = ()
    assessment: Assessment | None = None
