"""Callipers that a person sets, and what they measure in millimetres."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from vmcore.anatomy.gestation import is_believable, under_14_weeks
from vmcore.anatomy.result import Anatomy, Point
from vmcore.imaging import Scan

Side = Literal["near", "far"]
_LEAST_PX = 2.0  # apart: closer than that both ends are one point
_LONGEST_MM = 500.0
_LEAST_SHARE = 0.02  # of the picture's longer side, that a known distance must span
_EARLY = (
    "By the known distance the head is smaller than nearly all heads of 14 weeks; earlier no width means "
    "anything."
)
# no atrium outlined by experts or drawn in a phantom comes near to either (tests/anatomy/test_hand.py)
_INSIDE = 0.98  # of the skull's outer line: farther out is bone
_ACROSS = 0.03  # of the head's short axis, that each end is beyond the midline to cross it


class HandError(ValueError):
    """A calliper or a distance that nothing can be measured by, with one sentence that says why."""


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
    side: Side | None = None
    millimetres_from: Literal["file", "ruler", "hand"] | None = None
    why_no_mm: str | None = None


@dataclass(frozen=True, slots=True)
class KnownDistance:
    """Two points of the picture whose distance a person knows.

    Attributes:
        start: (row, column) of one; ``end``: of the other.
        distance_mm: between them.
        pixel_aspect: a pixel's height over its width.
    """

    start: Point
    end: Point
    distance_mm: float
    pixel_aspect: float = 1.0

    @property
    def spacing_mm(self) -> tuple[float, float]:
        """(row, column) millimetres per pixel."""
        width = self.distance_mm / _length(self.start, self.end, (self.pixel_aspect, 1.0))
        return width * self.pixel_aspect, width


def known_distance(
    start: Point,
    end: Point,
    told: str | float,
    shape: tuple[int, ...],
    pixel_aspect: float = 1.0,
) -> KnownDistance:
    """Check a distance that a person tells, as in "50" or "12,5", for two points.

    Args:
        start: (row, column) in pixels.
        end: of the other point.
        told: millimetres.
        shape: of the picture, (H, W) and more.
        pixel_aspect: a pixel's height over its width.

    Raises:
        HandError: no number, none that can be, or points that are too close to each other.
    """
    try:
        distance = float(str(told).strip().replace(",", ".").removesuffix("mm"))
    except ValueError:
        raise HandError("The distance is not a number of millimetres.") from None
    if not (math.isfinite(distance) and 0 < distance <= _LONGEST_MM):
        raise HandError(f"A distance is over 0 and at most {_LONGEST_MM:.0f} mm.")
    _check(start, end, shape)
    if _length(start, end) < _LEAST_SHARE * max(shape[:2]):
        raise HandError(
            "The two points are too close to each other to tell a scale; take a longer distance."
        )
    return KnownDistance(start, end, distance, pixel_aspect)


def measure_by_hand(
    start: Point,
    end: Point,
    scan: Scan,
    *,
    shape: tuple[int, ...],
    offset: tuple[int, int] = (0, 0),
    anatomy: Anatomy | None = None,
    known: KnownDistance | None = None,
) -> HandCalliper:
    """Measure between two points that a person set.

    Millimetres come from the file's region that holds both ends, else from the file's pixel size where
    it names no region, else from a distance that the person knows, else from the ruler that the scanner
    drew. A size in the file that makes the head impossible counts as none.

    Args:
        start: (row, column) in pixels of the cleaned picture.
        end: of the other end.
        scan: where the picture comes from.
        shape: of the cleaned picture, (H, W) and more.
        offset: (row, column) of the cleaned picture in the scan's frame.
        anatomy: what was found in the picture: the head tells the side, and there may be a ruler.
        known: a distance that the person set.

    Raises:
        HandError: an end outside of the picture, both on one point, or a known distance by which the head
            would be impossibly small or large.
    """
    _check(start, end, shape)
    spacing, source, why = _scale(start, end, scan, offset, anatomy, known)
    if (
        source == "hand"
        and spacing is not None
        and anatomy is not None
        and anatomy.head is not None
    ):
        across_mm = anatomy.head.ellipse.scaled(*spacing).biparietal_diameter
        if not is_believable(across_mm):
            raise HandError(
                f"By the known distance the head would be {across_mm:.1f} mm wide; set it anew."
            )
        if under_14_weeks(replace(anatomy.head, biparietal_diameter_mm=across_mm)):
            spacing, source, why = None, None, _EARLY
    return HandCalliper(
        start,
        end,
        _length(start, end),
        None if spacing is None else _length(start, end, spacing),
        _side(start, end, anatomy),
        source,
        why,
    )


def misplaced(hand: HandCalliper, anatomy: Anatomy | None) -> str | None:
    """Why a calliper cannot be an atrium's, by the head that was found.

    Returns:
        A sentence; None where it can be one, and where no head was found.
    """
    if anatomy is None or anatomy.head is None:
        return None
    ends, ellipse = (hand.start, hand.end), anatomy.head.ellipse
    if any(math.hypot(*ellipse.level(*end)) > _INSIDE for end in ends):
        return "An end lies in or outside of the skull that was found."
    if anatomy.midline is not None:
        first, second = (_from_midline(*end, anatomy.midline) for end in ends)
        least = _ACROSS * ellipse.biparietal_diameter
        if first * second < 0 and min(abs(first), abs(second)) > least:
            return "It crosses the midline; an atrium lies on one side of it."
    return None


_Scale = tuple[tuple[float, float] | None, Literal["file", "ruler", "hand"] | None, str | None]


def _scale(
    start: Point, end: Point, scan: Scan, offset: tuple[int, int], anatomy: Anatomy | None,
    known: KnownDistance | None,
) -> _Scale:  # fmt: skip
    """Millimetres per pixel (row, column), where they come from, or why there are none."""
    believed = tells_scale(scan, anatomy)
    if believed and scan.calibrations:
        return _scale_of_regions(start, end, scan, offset)
    if believed:
        return scan.spacing_mm, "file", None
    if known is not None:
        return known.spacing_mm, "hand", None
    ruler = anatomy.ruler if anatomy else None
    if ruler is not None and ruler.spacing_mm is not None:
        return ruler.spacing_mm, "ruler", None
    if anatomy is not None and anatomy.scale_doubtful:
        return None, None, "The file's pixel size would make the head impossibly small or large."
    return None, None, "Nothing tells how large a pixel is."


def tells_scale(scan: Scan, anatomy: Anatomy | None) -> bool:
    """Whether the file tells how large its pixels are, and the head that was found agrees."""
    told = bool(scan.calibrations) or scan.spacing_mm is not None
    return told and not (anatomy is not None and anatomy.scale_doubtful)


def _scale_of_regions(start: Point, end: Point, scan: Scan, offset: tuple[int, int]) -> _Scale:
    first, second = (
        {one.spacing_mm for one in scan.calibrations if _holds(one.region, point, offset)}
        for point in (start, end)
    )
    both = first & second
    if len(both) == 1:
        return both.pop(), "file", None
    if first and second:
        return None, None, "The ends lie in parts of the picture that have different scales."
    return None, None, "An end lies outside of the part of the picture whose scale the file tells."


def _holds(region: tuple[int, int, int, int], point: Point, offset: tuple[int, int]) -> bool:
    row, column = point[0] + offset[0], point[1] + offset[1]
    top, left, height, width = region
    return top - 0.5 <= row <= top + height - 0.5 and left - 0.5 <= column <= left + width - 0.5


def _side(start: Point, end: Point, anatomy: Anatomy | None) -> Side | None:
    """On which side of the midline the middle lies; None without a head, and outside of it."""
    if anatomy is None or anatomy.head is None or anatomy.midline is None:
        return None
    row, column = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
    if math.hypot(*anatomy.head.ellipse.level(row, column)) > 1:
        return None
    return "far" if _from_midline(row, column, anatomy.midline) > 0 else "near"


def _from_midline(row: float, column: float, midline: tuple[Point, Point]) -> float:
    """Pixels from the midline, positive on the side that is far from the probe."""
    (row_0, column_0), (row_1, column_1) = (
        midline  # as the head is levelled, also where it is upright
    )
    below = (column_1 - column_0) * (row - row_0) - (row_1 - row_0) * (column - column_0)
    return below / math.hypot(column_1 - column_0, row_1 - row_0)


def _check(start: Point, end: Point, shape: tuple[int, ...]) -> None:
    for row, column in (start, end):
        if not (-0.5 <= row <= shape[0] - 0.5 and -0.5 <= column <= shape[1] - 0.5):
            raise HandError("An end of the calliper lies outside of the picture.")
    if _length(start, end) < _LEAST_PX:
        raise HandError("Both ends of the calliper lie on one point.")


def _length(start: Point, end: Point, spacing: tuple[float, float] = (1.0, 1.0)) -> float:
    return math.hypot((end[0] - start[0]) * spacing[0], (end[1] - start[1]) * spacing[1])
