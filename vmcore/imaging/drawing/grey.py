"""Find white and grey drawing over a scan: callipers, their lines, dotted ellipses, results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import cv2
import numpy as np
import numpy.typing as npt

from vmcore.imaging.drawing.crosses import Cross, crosses_in
from vmcore.imaging.drawing.dots import Dots, dots_in
from vmcore.imaging.drawing.ellipse import Ellipse, ellipses_of, places_on
from vmcore.imaging.drawing.panels import panels_in
from vmcore.imaging.drawing.strokes import line_between
from vmcore.imaging.scan import Region

_SLACK = 40  # grey values by which a dot hidden in bone may differ from those that stand out
_MOST_CROSSES = 24  # more of them are texture
_NEAR_END = 3  # pixels from the end of an ellipse's axis to the cross there
_CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)

Grey = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]


def grey_drawing(image: npt.NDArray[np.uint8], texts: Sequence[Region] = ()) -> Mask:
    """Where something is drawn in white or grey.

    A pen differs from echoes in that its strokes have one grey and sharp ends, its dots equal
    distances, and callipers come in pairs. What only looks like one of these stays.

    Args:
        image: uint8 (H, W, 3), RGB, free of coloured drawing.
        texts: where burned-in text is; panels are looked for behind it.

    Returns:
        bool (H, W), strokes with the pixel around them.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    known = np.zeros(grey.shape, bool)
    drawn = np.zeros(grey.shape, np.uint8)
    for text in texts:
        _fill(known, text)
    for panel in panels_in(grey, texts):
        _fill(drawn, panel)
        _fill(known, panel)
    crosses = [one for one in crosses_in(grey) if not known[one.row, one.column]]
    if len(crosses) > _MOST_CROSSES:
        crosses = []
    strokes = [one.pixels(grey.shape) for one in crosses]
    strokes += [
        line
        for one, other in combinations(crosses, 2)
        if one.upright == other.upright
        and abs(one.arm - other.arm) <= 1
        and (line := line_between(grey, one, other)) is not None
    ]
    for stroke in strokes:
        known |= cv2.dilate(stroke, _CROSS).astype(bool)
    dots = _beside(dots_in(grey), known)
    ellipses = ellipses_of(dots, crosses, grey.shape)
    for ellipse, members in ellipses:
        sure = dots.runs[members] >= 0
        places = places_on(ellipse, dots.xy[members], sure, dots.spacing)
        strokes.append(_dotted(grey, places, dots.grey[members]))
        strokes += _crosses_at_ends(grey, ellipse, crosses)
    rest = (dots.runs >= 0) & ~np.any([members for _, members in ellipses], axis=0)
    if rest.any():
        strokes.append(_dotted(grey, dots.xy[rest], dots.grey[rest]))
    for stroke in strokes:
        drawn |= cv2.dilate(stroke, _CROSS)
    return drawn.astype(bool)


def _fill(mask: npt.NDArray[np.uint8] | Mask, region: Region) -> None:
    row, column, height, width = region
    mask[row : row + height, column : column + width] = 1


def _beside(dots: Dots, known: Mask) -> Dots:
    """The same dots, but those in text and on lines that are known are in no run."""
    column, row = np.rint(dots.xy).astype(int).T
    free = ~known[row.clip(0, known.shape[0] - 1), column.clip(0, known.shape[1] - 1)]
    return dots._replace(runs=np.where(free, dots.runs, -1))


def _dotted(
    grey: Grey, places: npt.NDArray[np.float64], pens: npt.NDArray[np.int64]
) -> npt.NDArray[np.uint8]:
    """Dots at places, where there is something as bright as they are."""
    highest = cv2.dilate(grey, np.ones((3, 3), np.uint8))
    drawn = np.zeros(grey.shape, np.uint8)
    least = int(np.median(pens)) - _SLACK
    for column, row in np.rint(places).astype(int):
        inside = 0 <= row < grey.shape[0] and 0 <= column < grey.shape[1]
        if inside and highest[row, column] >= least:
            cv2.circle(drawn, (int(column), int(row)), 1, 1, -1)
    return drawn


def _crosses_at_ends(
    grey: Grey, ellipse: Ellipse, crosses: Sequence[Cross]
) -> Iterator[npt.NDArray[np.uint8]]:
    """Crosses where the ellipse's axes end that bright bone hides, as large as one that stands out."""
    ends = ellipse.at(np.arange(4) * np.pi / 2)
    sizes = [
        one for one in crosses
        if np.hypot(*(ends - (one.column, one.row)).T).min() <= 2 * _NEAR_END
    ]  # fmt: skip
    if not sizes:
        return
    like = sizes[0]
    stroke = like.pixels((2 * like.arm + 1,) * 2)
    kernel = Cross(like.arm, like.arm, like.arm, 0, like.upright).pixels(stroke.shape)
    pen = cv2.erode(grey, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    for column, row in np.rint(ends).astype(int):
        if min(row, column) < 0:
            continue  # the head goes beyond the picture
        top, left = max(row - _NEAR_END, 0), max(column - _NEAR_END, 0)
        window = pen[top : row + _NEAR_END + 1, left : column + _NEAR_END + 1]
        if window.size and window.max() >= like.grey - _SLACK:
            down, right = np.unravel_index(int(window.argmax()), window.shape)
            place = Cross(int(top + down), int(left + right), like.arm, like.grey, like.upright)
            yield place.pixels(grey.shape)
