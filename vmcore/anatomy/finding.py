"""Find the head in the whole picture, turn it level, look again, and measure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt

from vmcore.anatomy.card import Limits
from vmcore.anatomy.decoding import STRIDE, MapOutput, ViewCalliper, decode_atrium, decode_head
from vmcore.anatomy.gestation import is_believable, under_14_weeks
from vmcore.anatomy.head import HeadEllipse
from vmcore.anatomy.midline import Falx, find_falx
from vmcore.anatomy.result import Anatomy, AtriumCalliper, Head, Plane, Point
from vmcore.anatomy.views import (
    HEAD_SHORT_AXIS_PX,
    VIEW_HEIGHT,
    VIEW_WIDTH,
    View,
    level_view,
    normalised,
    warp,
    whole_view,
)

_WIDEST = 0.6  # of the head's short axis: no atrium is wider
_FLAT = 2.0  # standard deviation of grey values below which a picture shows nothing
_LEVEL_LOOKS = 2  # at most: the second one where the first found the head elsewhere
_SIZE_OFF, _PLACE_OFF = 1.3, 0.15  # how far a second look may be from the first, of the short axis

Forward = Callable[[npt.NDArray[np.float32]], tuple[npt.NDArray[np.float32], ...]]
"""Views (B, 1, 192, 256) in 0..1 to the three outputs of the structure network."""


def find_anatomy(
    forward: Forward,
    picture: npt.NDArray[np.uint8],
    *,
    spacing_mm: tuple[float, float] | None = None,
    pixel_aspect: float = 1.0,
    limits: Limits | None = None,
) -> Anatomy:
    """Find the structures of a cleaned picture.

    Args:
        forward: the network.
        picture: uint8 (H, W), grey.
        spacing_mm: (row, column) millimetres per pixel where it is known.
        pixel_aspect: a pixel's height over its width, where there is no spacing.
        limits: see :class:`Limits`.
    """
    limits = limits or Limits()
    stretch = spacing_mm[0] / spacing_mm[1] if spacing_mm else pixel_aspect
    view = whole_view(picture.shape, stretch)
    output, inside = _look(forward, view, picture)
    rough, head = decode_head(output.structures[0], inside), None
    if picture.std() < _FLAT:
        rough = None
    for _ in range(_LEVEL_LOOKS):
        if rough is None or head is not None:
            break
        view = level_view(_moved(rough, view, stretch), stretch)
        output, inside = _look(forward, view, picture)
        rough = decode_head(output.structures[0], inside)
        head = rough if rough is not None and _is_level(rough) else None
    mm, doubtful = spacing_mm, False
    if head is not None and mm is not None:
        across_mm = _moved(head, view, stretch).biparietal_diameter * mm[1]
        if not is_believable(across_mm):
            mm, doubtful = None, True
    calliper = None if head is None else decode_atrium(output, inside)
    if head is not None and calliper is not None and not _within(calliper, head):
        calliper = None
    falx = None if head is None else find_falx(normalised(view.take(picture)), head)
    if falx is not None and calliper is not None and _touches(falx, calliper):
        falx = None
    visible = float(output.visible[0])
    atrium = None
    if head is not None and calliper is not None:
        atrium = _measured(calliper, head, falx, view, mm, limits)
        surely = atrium.probability >= limits.atrium and visible >= limits.visible
        if not surely or atrium.uncertainty > limits.uncertainty:
            atrium = None
    skull = None if head is None else _head(head, view, stretch, mm, picture.shape)
    if under_14_weeks(skull):
        atrium = None
    plane = Plane(visible, float(output.visible[1]), fits=atrium is not None)
    return Anatomy(
        structures=_structures(output, view, picture.shape, has_head=head is not None),
        head=skull,
        midline=None if head is None else _midline(head, falx, view),
        atrium=atrium,
        plane=plane,
        scale_doubtful=doubtful,
        midline_from=None if head is None else "falx" if falx else "long axis",
    )


def _within(calliper: ViewCalliper, head: HeadEllipse) -> bool:
    """Whether both ends lie in the head and are no farther apart than ventricles are wide."""
    inside = all(np.hypot(*head.level(y, x)) < 1 for x, y in calliper.ends)
    return inside and calliper.width_px < _WIDEST * head.biparietal_diameter


def _touches(falx: Falx, calliper: ViewCalliper) -> bool:
    """Whether a line runs through the atrium: it is one of its walls, then, or the lumen."""
    first, last = (falx.across(end) for end in calliper.ends)
    return first * last <= 0


def _is_level(head: HeadEllipse) -> bool:
    """Whether a level view shows the head about where and as large as it was made for."""
    size = head.biparietal_diameter / HEAD_SHORT_AXIS_PX
    away = np.hypot(head.centre[0] - VIEW_HEIGHT / 2, head.centre[1] - VIEW_WIDTH / 2)
    return bool(1 / _SIZE_OFF < size < _SIZE_OFF and away < _PLACE_OFF * HEAD_SHORT_AXIS_PX)


def _look(
    forward: Forward, view: View, picture: npt.NDArray[np.uint8]
) -> tuple[MapOutput, npt.NDArray[np.bool_]]:
    """The mean of the answers to a view and to its mirror image, and where the picture is in it."""
    shown = normalised(view.take(picture))
    both = np.stack([shown, shown[:, ::-1]])[:, None]
    as_is, mirrored = (
        MapOutput(_logistic(structures), calliper, _logistic(visible))
        for structures, calliper, visible in zip(*forward(both), strict=True)
    )
    mirrored = mirrored.mirrored()
    mean = MapOutput(
        np.mean([as_is.structures, mirrored.structures], axis=0, dtype=np.float32),
        np.mean([as_is.calliper, mirrored.calliper], axis=0, dtype=np.float32),
        np.mean([as_is.visible, mirrored.visible], axis=0, dtype=np.float32),
    )
    return mean, view.inside(picture.shape)


def _logistic(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return (0.5 * (1 + np.tanh(0.5 * logits))).astype(np.float32)


def _moved(head: HeadEllipse, view: View, stretch: float) -> HeadEllipse:
    """A view's ellipse in the picture, its rows stretched so that pixels are square."""
    return HeadEllipse.through(view.to_picture(head.outline()) * np.array([1.0, stretch]))


def _head(
    head: HeadEllipse,
    view: View,
    stretch: float,
    spacing_mm: tuple[float, float] | None,
    shape: tuple[int, int],
) -> Head:
    square = _moved(head, view, stretch)
    mm = spacing_mm[1] if spacing_mm else None
    outline = view.to_picture(head.outline())
    within = ((outline >= -0.5) & (outline < np.array(shape[1::-1]) - 0.5)).all(axis=1)
    return Head(
        HeadEllipse.through(outline),
        None if mm is None else square.circumference * mm,
        None if mm is None else square.biparietal_diameter * mm,
        float(within.mean()),
    )


def _midline(head: HeadEllipse, falx: Falx | None, view: View) -> tuple[Point, Point]:
    """The falx's line where it is seen, else the head's long axis; in the picture."""
    axis = Falx(np.array(head.centre[::-1]), head.angle)
    first, last = view.to_picture((falx or axis).in_head(head))
    return _point(first), _point(last)


def _measured(
    calliper: ViewCalliper,
    head: HeadEllipse,
    falx: Falx | None,
    view: View,
    spacing_mm: tuple[float, float] | None,
    limits: Limits,
) -> AtriumCalliper:
    near_first = calliper.ends[np.argsort(calliper.ends[:, 1], kind="stable")]
    start, end = (_point(point) for point in view.to_picture(near_first))
    rows, columns = end[0] - start[0], end[1] - start[1]
    middle = calliper.ends.mean(0)
    below = falx.across(middle) if falx else head.level(middle[1], middle[0])[1]
    side: Literal["near", "far"] = "far" if below > 0 else "near"
    share = calliper.width_px / head.biparietal_diameter
    expected = calliper.expected_error_px / head.biparietal_diameter
    return AtriumCalliper(
        start=start,
        end=end,
        width_px=float(np.hypot(rows, columns)),
        width_mm=None
        if spacing_mm is None
        else float(np.hypot(rows * spacing_mm[0], columns * spacing_mm[1])),
        head_share=share,
        uncertainty=float(np.hypot(limits.floor, limits.spread * expected)),
        side=side,
        probability=calliper.probability,
        millimetres_from=None if spacing_mm is None else "file",
    )


def _structures(
    output: MapOutput, view: View, shape: tuple[int, int], *, has_head: bool
) -> npt.NDArray[np.uint8]:
    """The view's structures in the picture: 0 background, 1 brain, 2 cavum, 3 ventricle."""
    structures = np.zeros(shape, np.uint8)
    if not has_head:
        return structures
    # a pixel (x, y) of the map lies at 2x + 0.5 of the view
    to_view = np.array([[STRIDE, 0, 0.5], [0, STRIDE, 0.5], [0, 0, 1.0]])
    back = np.linalg.inv(np.vstack([view.matrix, [0.0, 0.0, 1.0]])) @ to_view
    for value, share in enumerate(output.structures, start=1):
        grey = np.round(share * 255).astype(np.uint8)
        structures[warp(grey, back[:2], shape) > 127] = value
    return structures


def _point(xy: npt.NDArray[np.float64]) -> Point:
    return float(xy[1]), float(xy[0])
