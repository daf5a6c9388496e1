"""The atrium's width in words: how wide, how sure, which grade, and whether the classifier agrees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from vmcore.anatomy import Anatomy, AtriumCalliper

WIDE_MM = 10.0
"""From here on a lateral ventricle is dilated (ISUOG 2020)."""

Grades = Literal["isuog", "two"]
_GRADES: Mapping[Grades, tuple[tuple[float, str], ...]] = {
    "isuog": ((WIDE_MM, "mild"), (13.0, "moderate"), (15.0, "severe")),
    "two": ((WIDE_MM, "mild"), (15.0, "severe")),
}
_NORMAL_95 = 1.96  # standard deviations on both sides that hold 95 of 100 errors


def grade(width_mm: float, grades: Grades = "isuog") -> str:
    """The degree of a ventriculomegaly, or "normal".

    Args:
        width_mm: of the atrium.
        grades: "isuog": mild 10 to 12, moderate 13 to 15, severe over 15 mm (ISUOG 2020); "two": mild
            10 to 15, severe over 15 mm.
    """
    found = "normal"
    for least, name in _GRADES[grades]:
        if width_mm > least or (width_mm == least and name != "severe"):
            found = name
    return found


def interval(atrium: AtriumCalliper) -> tuple[float, float]:
    """Between which shares of the head's short axis the width lies in 95 of 100 cases."""
    reach = _NORMAL_95 * atrium.uncertainty
    return max(atrium.head_share - reach, 0.0), atrium.head_share + reach


def width_words(atrium: AtriumCalliper) -> str:
    """As in 11.4 mm (10.6 to 12.2), or in per cent of the head's short axis where there are no mm."""
    low, high = interval(atrium)
    if atrium.width_mm is None:
        return f"{100 * atrium.head_share:.1f}% of the head's short axis ({100 * low:.1f} to {100 * high:.1f})"
    mm = atrium.width_mm / atrium.head_share
    return f"{atrium.width_mm:.1f} mm ({low * mm:.1f} to {high * mm:.1f})"


def why_not_measured(anatomy: Anatomy) -> str:
    """Why there is no width, in a sentence."""
    if anatomy.head is None:
        return "No fetal head was found, so nothing was measured."
    return (
        "A head was found but no atrium that can be measured: the plane does not show it, or it is too "
        "uncertain where its walls are."
    )


def head_words(anatomy: Anatomy) -> str | None:
    """Head circumference and biparietal diameter, where there is a head and mm are known."""
    head = anatomy.head
    if head is None or head.circumference_mm is None or head.biparietal_diameter_mm is None:
        return None
    return (
        f"Head circumference {head.circumference_mm:.0f} mm, biparietal diameter "
        f"{head.biparietal_diameter_mm:.0f} mm (outer to outer)."
    )
