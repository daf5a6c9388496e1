"""Millimetres from the ruler that a scanner drew, where a file does not give its pixels' size.

A ruler's ticks stand for 5 or 10 mm (1 and 2 mm occur), with larger ones between them; their pattern
says which. Where it leaves a choice, the found head decides: only one choice may make it a fetus's.
(Chen et al. 2020, Front. Neurosci. 14:79, take the scale of their pictures from such rulers.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from vmcore.anatomy.head import HeadEllipse
from vmcore.anatomy.result import Anatomy, AtriumCalliper, RulerScale, RulerTrouble
from vmcore.imaging.ruler import Ruler, find_rulers

_TICK_MM: dict[tuple[int, ...], tuple[float, ...]] = {
    (2, 10): (5.0,),  # every second tick is a centimetre, every tenth five of them
    (2,): (5.0,),
    (5, 10): (1.0,),
    (5,): (10.0, 2.0, 1.0),
    (10,): (10.0, 5.0, 1.0),
}
"""What ticks may stand for, by how many apart larger ones are. Ticks that are all alike may be anything."""
_SMALLEST_MM, _LARGEST_MM = 30.0, 105.0  # biparietal diameters from 15 weeks on
_NARROWEST, _ROUNDEST = 0.66, 0.92  # cephalic indices of fetuses; else pixels are hardly square
_SQUARE = 0.02  # difference of both directions within which pixels count as square
_MOST_UNEQUAL = 1.25  # between both directions of a picture that was made to fit another shape
_PITCH_DEVIATION = 0.005  # of a read pitch, as a share of it
_ACROSS_DEVIATION = 0.06  # of a direction that no ruler tells, as a share


def ruler_scale(
    rulers: Sequence[Ruler], head: HeadEllipse, pixel_aspect: float = 1.0
) -> RulerScale | None:
    """The scale that rulers give, or why they give none; None without a ruler.

    Args:
        rulers: at most one along each direction.
        head: the found one, in pixels of the picture.
        pixel_aspect: a pixel's height over its width, for a direction that no ruler tells.
    """
    if not rulers:
        return None
    both = len(rulers) == 2
    trouble = _trouble(rulers)
    if trouble is not None:
        return _unread(trouble, both=both)
    pitch_by_row = next(ruler.pitch_px for ruler in rulers if ruler.vertical)
    untold = pitch_by_row * pixel_aspect
    pitch_by_column = next((one.pitch_px for one in rulers if not one.vertical), untold)
    in_ticks = head.scaled(1 / pitch_by_row, 1 / pitch_by_column)
    if not _NARROWEST <= in_ticks.half_axes[1] / in_ticks.half_axes[0] <= _ROUNDEST:
        return _unread("shape", both=both)
    possible = _possible_mm(rulers)
    fits = [
        mm for mm in possible if _SMALLEST_MM <= mm * in_ticks.biparietal_diameter <= _LARGEST_MM
    ]
    if len(fits) != 1:
        return _unread("ticks" if fits else "head", both=both)
    (mm,) = fits
    return RulerScale((mm / pitch_by_row, mm / pitch_by_column), mm, both_directions=both)


def _possible_mm(rulers: Sequence[Ruler]) -> set[float]:
    """What the ticks of all rulers that have larger ones may stand for."""
    patterns = {ruler.every for ruler in rulers if ruler.every}
    choices = [set(_TICK_MM.get(pattern, ())) for pattern in patterns]
    return set.intersection(*choices) if choices else set()


def _trouble(rulers: Sequence[Ruler]) -> RulerTrouble | None:
    """What stands against rulers whatever the head is."""
    if not any(ruler.vertical for ruler in rulers):
        return "columns only"
    pitches = [ruler.pitch_px for ruler in rulers]
    unequal = max(pitches) / min(pitches)
    alike = len({ruler.every for ruler in rulers}) == 1
    if unequal > _MOST_UNEQUAL or (unequal > 1 + _SQUARE and not alike):
        return "contradiction"
    if not _possible_mm(rulers):
        return "ticks" if alike or not all(ruler.every for ruler in rulers) else "contradiction"
    return None


def _unread(trouble: RulerTrouble, *, both: bool) -> RulerScale:
    return RulerScale(None, None, both_directions=both, trouble=trouble)


def find_in_mm(
    find: Callable[[tuple[float, float] | None], Anatomy],
    picture: npt.NDArray[np.uint8],
    pixel_aspect: float = 1.0,
) -> Anatomy:
    """Find the anatomy of a picture whose file gives no spacing, in mm where a ruler gives it.

    Args:
        find: the anatomy with a spacing, or without one.
        picture: uint8 (H, W, 3), before cleaning, with the pixels that are measured in.
        pixel_aspect: a pixel's height over its width, as found without a spacing.
    """
    anatomy = find(None)
    if anatomy.head is None:
        return anatomy
    scale = ruler_scale(find_rulers(picture), anatomy.head.ellipse, pixel_aspect)
    if scale is None or scale.spacing_mm is None:
        return replace(anatomy, ruler=scale)
    rows, columns = scale.spacing_mm
    if abs(rows / columns / pixel_aspect - 1) > _SQUARE:
        again = find(scale.spacing_mm)
        if again.head is None or again.scale_doubtful:
            return replace(anatomy, ruler=_unread("shape", both=scale.both_directions))
        anatomy = again
    return replace(_in_mm(anatomy, scale), ruler=scale)


def _in_mm(anatomy: Anatomy, scale: RulerScale) -> Anatomy:
    head, atrium = anatomy.head, anatomy.atrium
    if scale.spacing_mm is None or head is None:
        return anatomy
    rows, columns = scale.spacing_mm
    if head.circumference_mm is None:
        square = head.ellipse.scaled(rows, columns)
        head = replace(
            head,
            circumference_mm=square.circumference,
            biparietal_diameter_mm=square.biparietal_diameter,
        )
    return replace(anatomy, head=head, atrium=None if atrium is None else _by_ruler(atrium, scale))


def _by_ruler(atrium: AtriumCalliper, scale: RulerScale) -> AtriumCalliper:
    """A calliper with a ruler's millimetres, unsure where it lies along what no ruler tells."""
    rows, columns = scale.spacing_mm or (1.0, 1.0)
    down, across = (
        rows * (atrium.end[0] - atrium.start[0]),
        columns * (atrium.end[1] - atrium.start[1]),
    )
    length = float(np.hypot(down, across))
    untold = 0.0 if scale.both_directions else _ACROSS_DEVIATION * across**2 / max(length**2, 1e-9)
    return replace(
        atrium,
        width_mm=length,
        millimetres_from="ruler",
        scale_deviation=float(np.hypot(_PITCH_DEVIATION, untold)),
    )
