"""What a person decided about an answer: accepted, corrected or rejected, and why."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from vmcore.anatomy import WIDE_MM

Outcome = Literal["accepted", "corrected", "rejected"]
Label = Literal["normal", "ventriculomegaly"]
REASONS = (
    "the calliper lies wrong",
    "the plane does not fit",
    "the millimetres are wrong",
    "the classifier is wrong",
    "the picture is too poor",
    "another reason",
)
"""Why an answer is corrected or rejected, in words that name no patient and can be counted."""
_WIDEST_MM = 100.0
_LONGEST = {"reason": 200, "comment": 2000, "person": 120}


class AssessmentError(ValueError):
    """A decision that cannot be kept as it is, with one sentence that says why."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """A person's decision about one answer, as IHE's AI Results has a result accepted, modified or rejected.

    Attributes:
        outcome: the answer stands, another one is put in its place, or it is not to be used.
        label: what the person calls the picture; None where it was rejected without one.
        width_mm: the atrial width that the person holds to be right, or None.
        reason: why, in a few words; needed but where the answer was accepted.
        comment: free text, or "".
        person: who decided.
        at: when, with a time zone.
        signed_in: whether a login says that it is this person; else the name is one that somebody typed.
    """

    outcome: Outcome
    label: Label | None
    width_mm: float | None
    reason: str
    comment: str
    person: str
    at: datetime
    signed_in: bool = False


def assess(
    outcome: Outcome,
    *,
    label: Label | None,
    person: str,
    width_mm: float | None = None,
    reason: str = "",
    comment: str = "",
    at: datetime | None = None,
    signed_in: bool = False,
) -> Assessment:
    """Check and make a person's decision.

    Args:
        outcome: what is decided about the answer.
        label: what the person calls the picture.
        person: who decides.
        width_mm: over 0 and under 100, or None.
        reason: up to 200 characters; needed unless the answer is accepted.
        comment: up to 2000 characters.
        at: when, with a time zone; now without it.
        signed_in: whether a login says who the person is.

    Raises:
        AssessmentError: no reason, no label for a correction, a width that none can be, 10 mm or more for
            normal (the other way round the other ventricle may be the wide one), or too long a text.
    """
    reason, comment, person = (_one_line(text) for text in (reason, comment, person))
    if outcome != "accepted" and not reason:
        raise AssessmentError("Say why; the reason is kept with the decision.")
    if outcome == "corrected" and label is None and width_mm is None:
        raise AssessmentError("Say what is right instead: the finding, the width, or both.")
    if width_mm is not None and not (math.isfinite(width_mm) and 0 < width_mm < _WIDEST_MM):
        raise AssessmentError(f"A width of {width_mm:g} mm is none that an atrium can have.")
    if label == "normal" and width_mm is not None and round(width_mm, 1) >= WIDE_MM:
        raise AssessmentError(
            f"{width_mm:.1f} mm is not normal: from {WIDE_MM:.0f} mm on it is ventriculomegaly. Change the "
            "finding or the width."
        )
    for what, text in (("reason", reason), ("comment", comment), ("person", person)):
        if len(text) > _LONGEST[what]:
            raise AssessmentError(f"The {what} is longer than {_LONGEST[what]} characters.")
    if not person:
        raise AssessmentError("Nobody is named who decides.")
    decided_at = at or datetime.now(UTC)
    return Assessment(outcome, label, width_mm, reason, comment, person, decided_at, signed_in)


def _one_line(text: str) -> str:
    """A text without line breaks and without signs that no document may hold (controls, half characters)."""
    plain = " ".join(text.split())
    return "".join(sign for sign in plain if unicodedata.category(sign) not in {"Cc", "Cs"})
