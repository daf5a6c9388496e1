"""Callipers that a person sets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vmcore.anatomy.result import Point


@dataclass(frozen=True, slots=True)
class HandCalliper:
    """A width that a person measured, from inner wall to inner wall.

    Attributes:
        start: (row, column) of one end in pixels of the cleaned picture; ``end``: of the other.
        width_px: between them, in pixels of the picture.
        width_mm: the same in millimetres; None where no scale holds for both ends.
        side: which ventricle, by its distance from the probe; None where that was not said.
        millimetres_from: the file's spacing, the ruler that the scanner drew, or a distance that the
            person set ("hand"); None without mm.
        why_no_mm: a sentence where there are none.
    """

    start: Point
    end: Point
    width_px: float
    width_mm: float | None
    side: Literal["near", "far"] | None = None
    millimetres_from: Literal["file", "ruler", "hand"] | None = None
    why_no_mm: str | None = None
