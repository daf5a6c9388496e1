"""The midline where the falx is seen: the straight bright line through the head's middle.

The long axis of the skull's ellipse only stands for it: the two part where a head is nearly round, and
where the skull is cut or lies in a shadow on one side.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from vmcore.anatomy.head import HeadEllipse

_TURNS = np.deg2rad(np.arange(-12.0, 12.1))  # against the long axis
_OFF_CENTRE = 0.18  # of the short axis: how far from the middle it is looked for
_REACH = 0.8  # of the head: how far from the middle it is followed
_ALONG = 90  # places on a line
_LINE_PX, _AROUND_PX = 1.2, 6.0  # Gaussian widths of what stands out, and from what
_STRONGEST = 0.12  # of the grey range: a spot that is brighter counts no more than this
_LIKELY_TURN, _LIKELY_OFF_PX = np.deg2rad(15.0), 20.0  # standard deviations of a mild preference
_LEAST_CONTRAST = 0.03  # of the grey range, mean along the line
_LEAST_DEVIATIONS = 2.6  # of all lines' contrasts: grain's best line mostly has fewer
_ELSEWHERE_PX, _ELSEWHERE_TURN = 9.0, np.deg2rad(9.0)
_STANDS_OUT = 1.35  # times what the best line elsewhere reaches


@dataclass(frozen=True, slots=True)
class Falx:
    """The falx's line in a view.

    Attributes:
        point: (2,) its (x, y) nearest to the head's centre.
        angle: against the rows, in radians, growing clockwise as pictures are seen.
    """

    point: npt.NDArray[np.float64]
    angle: float

    def across(self, point: npt.NDArray[np.float64]) -> float:
        """How far below the line a point (x, y) lies, in pixels; negative above it."""
        x, y = point - self.point
        return float(y * np.cos(self.angle) - x * np.sin(self.angle))

    def in_head(self, head: HeadEllipse) -> npt.NDArray[np.float64]:
        """(2, 2) the ends (x, y) where the line meets the skull."""
        along = np.array([np.cos(self.angle), np.sin(self.angle)])
        # on the unit circle of the head's own axes the line is u + t w, |u + t w| = 1
        u = np.array(head.level(self.point[1], self.point[0]))
        w = np.array(head.level(self.point[1] + along[1], self.point[0] + along[0])) - u
        half = np.sqrt((u @ w) ** 2 - (w @ w) * (u @ u - 1))
        reach = (-(u @ w) + np.array([-half, half])) / (w @ w)
        return np.asarray(self.point + reach[:, None] * along)


def find_falx(view: npt.NDArray[np.float32], head: HeadEllipse) -> Falx | None:
    """The falx in a level view, or None where no line stands out.

    Args:
        view: (192, 256) in 0..1, the head's short axis about 148 pixels.
        head: its ellipse in the view.
    """
    offsets = np.arange(-_OFF_CENTRE, _OFF_CENTRE, 1 / head.biparietal_diameter)
    offsets *= head.biparietal_diameter
    contrast = np.stack([_contrast(view, head, turn, offsets) for turn in _TURNS])
    turns = _TURNS[:, None]
    likely = np.exp(-0.5 * ((turns / _LIKELY_TURN) ** 2 + (offsets / _LIKELY_OFF_PX) ** 2))
    weighted = contrast * likely
    at, to = np.unravel_index(int(weighted.argmax()), weighted.shape)
    elsewhere = (np.abs(turns - _TURNS[at]) > _ELSEWHERE_TURN) | (
        np.abs(offsets - offsets[to]) > _ELSEWHERE_PX
    )
    least = max(_LEAST_CONTRAST, _LEAST_DEVIATIONS * _spread(contrast))
    if contrast[at, to] < least or weighted[at, to] < _STANDS_OUT * weighted[elsewhere].max():
        return None
    angle = head.angle + float(_TURNS[at])
    down = np.array([-np.sin(angle), np.cos(angle)])
    return Falx(np.array(head.centre[::-1]) + offsets[to] * down, angle)


def _contrast(
    view: npt.NDArray[np.float32],
    head: HeadEllipse,
    turn: float,
    offsets: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """How much brighter than their surroundings lines of one direction are, one at each offset."""
    long, short = head.half_axes
    reach = _REACH / np.hypot(np.cos(turn) / long, np.sin(turn) / short)
    along = np.linspace(-reach, reach, _ALONG)
    margin = np.arange(1.0, 3 * _AROUND_PX + 1)
    across = np.concatenate([offsets[0] - margin[::-1], offsets, offsets[-1] + margin])[:, None]
    cos, sin = np.cos(head.angle + turn), np.sin(head.angle + turn)
    x = head.centre[1] + along * cos - across * sin
    y = head.centre[0] + along * sin + across * cos
    strip = cv2.remap(view, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR)
    ridge = _smoothed(strip, _LINE_PX) - _smoothed(strip, _AROUND_PX)
    inner = ridge[len(margin) : -len(margin)]
    return np.asarray(np.clip(inner, -_STRONGEST, _STRONGEST).mean(1), np.float64)


def _spread(values: npt.NDArray[np.float64]) -> float:
    """Standard deviation, whatever a few of the values are."""
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))


def _smoothed(strip: npt.NDArray[np.float32], sigma: float) -> npt.NDArray[np.float32]:
    """Smoothed across the lines alone."""
    kernel = cv2.getGaussianKernel(2 * int(np.ceil(3 * sigma)) + 1, sigma)
    return np.asarray(cv2.sepFilter2D(strip, -1, np.ones(1), kernel), np.float32)
