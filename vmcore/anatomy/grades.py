"""Degrees of ventriculomegaly by the atrium's width."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

WIDE_MM = 10.0
"""From here on a lateral ventricle is dilated (ISUOG 2020)."""

Grades = Literal["isuog", "two"]
_ENDS: Mapping[Grades, tuple[tuple[str, float, bool], ...]] = {
    # the degree, and up to which width it goes, that width included or not
    "isuog": (("normal", WIDE_MM, False), ("mild", 12.0, True), ("moderate", 15.0, False)),
    "two": (("normal", WIDE_MM, False), ("mild", 15.0, False)),
}


def grade(width_mm: float, grades: Grades = "isuog") -> str:
    """The degree of a ventriculomegaly, or "normal".

    Args:
        width_mm: of the atrium.
        grades: "isuog": mild 10 to 12, moderate over 12 and under 15, severe from 15 mm on (ISUOG
            2020); "two": mild 10 to under 15, severe from 15 mm on.
    """
    for name, end, included in _ENDS[grades]:
        if width_mm < end or (included and width_mm == end):
            return name
    return "severe"
