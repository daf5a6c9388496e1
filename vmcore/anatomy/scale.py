"""Millimetres from the ruler that a scanner drew, where a file does not give its pixels' size.

A ruler's ticks stand for 5 or 10 mm, with larger ones between them; their pattern says which. Where it
leaves a choice, the found head decides: only one choice may make it a fetus's. (Chen et al. 2020, Front.
Neurosci. 14:79, take the scale of their pictures from such rulers.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from vmcore.anatomy.head import HeadEllipse
from vmcore.anatomy.result import Anatomy, Head, RulerScale
from vmcore.imaging.ruler import Ruler, find_rulers

_TICK_MM: dict[tuple[int, ...], tuple[float, ...]] = {
    (2, 10): (5.0,),  # every second tick is a centimetre, every tenth five of them
    (2,): (5.0,),
    (5, 10): (1.0,),
    (5,): (10.0, 2.0, 1.0),
    (10,): (5.0, 1.0),
    (): (),  # alike: 5 or 10 mm, and nobody can tell
}
_SMALLEST_MM, _LARGEST_MM = 20.0, 115.0  # biparietal diameters of fetuses whose atrium is measured
_NARROWEST, _ROUNDEST = 0.66, 0.92  # cephalic indices of fetuses; else pixels are hardly square
_SQUARE = 0.02  # difference of both directions within which pixels count as square
_MOST_UNEQUAL = 1.25  # between both directions of a picture that was made to fit another shape


def ruler_scale(rulers: Sequence[Ruler], head: HeadEllipse) -> RulerScale | None:
    """The scale that rulers give, or that they give none; None without a ruler.

    Args:
        rulers: at most one along each direction.
        head: the found one, in pixels of the picture.
    """
    if not rulers:
        return None
    unreadable = RulerScale(None, None, both_directions=len(rulers) == 2)
    pitches = [ruler.pitch_px for ruler in rulers]
    if len(rulers) == 2 and max(pitches) > _MOST_UNEQUAL * min(pitches):
        return unreadable
    patterns = {ruler.every for ruler in rulers if ruler.every} or {()}
    possible = [
        mm
        for mm in _TICK_MM[min(patterns)] if all(mm in _TICK_MM[one] for one in patterns)
        and all(
            _SMALLEST_MM <= mm / pitch * head.biparietal_diameter <= _LARGEST_MM for pitch in pitches
        )
    ]  # fmt: skip
    shape = head.half_axes[1] / head.half_axes[0]
    if len(rulers) == 1 and not _NARROWEST <= shape <= _ROUNDEST:
        return unreadable
    if len(possible) != 1:
        return unreadable
    (mm,) = possible
    by_row = [mm / ruler.pitch_px for ruler in rulers if ruler.vertical]
    by_column = [mm / ruler.pitch_px for ruler in rulers if not ruler.vertical]
    return RulerScale(
        ((by_row or by_column)[0], (by_column or by_row)[0]), mm, both_directions=len(rulers) == 2
    )


def find_in_mm(
    find: Callable[[tuple[float, float] | None], Anatomy], picture: npt.NDArray[np.uint8]
) -> Anatomy:
    """Find the anatomy of a picture whose file gives no spacing, in mm where a ruler gives it.

    Args:
        find: the anatomy with a spacing, or without one.
        picture: uint8 (H, W, 3), before cleaning.
    """
    anatomy = find(None)
    if anatomy.head is None:
        return anatomy
    scale = ruler_scale(find_rulers(picture), anatomy.head.ellipse)
    if scale is None:
        return anatomy
    if scale.spacing_mm is not None:
        rows, columns = scale.spacing_mm
        square = abs(rows / columns - 1) < _SQUARE
        anatomy = _in_mm(anatomy, columns) if square else find(scale.spacing_mm)
    atrium = anatomy.atrium
    if atrium is not None and atrium.width_mm is not None:
        atrium = replace(atrium, millimetres_from="ruler")
    return replace(anatomy, atrium=atrium, ruler=scale)


def _in_mm(anatomy: Anatomy, mm: float) -> Anatomy:
    """What was found on pixels of that size, the same in both directions."""
    head, atrium = anatomy.head, anatomy.atrium
    if head is not None:
        head = Head(head.ellipse, head.circumference_px * mm, head.biparietal_diameter_px * mm)
    if atrium is not None:
        atrium = replace(atrium, width_mm=atrium.width_px * mm)
    return replace(anatomy, head=head, atrium=atrium)
