"""Find the line, dotted or solid, that a scanner draws from one calliper to the other."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from vmcore.imaging.drawing.crosses import Cross

_BESIDE = 5  # pixels to each side that a line is compared with
_CONTRAST = 20  # by which it is brighter
_SLACK = 35  # grey values by which it may differ from its callipers
_LIT = 0.3  # share of its length that is lit, at least: dots leave gaps
_LONGEST_GAP = 0.25  # share of its length, or this many pixels:
_LONGEST_GAP_PX = 16


def line_between(
    grey: npt.NDArray[np.uint8], one: Cross, other: Cross
) -> npt.NDArray[np.uint8] | None:
    """The line from cross to cross, 1 where it is, uint8 (H, W); None if none is drawn."""
    start = np.array([one.column, one.row], float)
    way = np.array([other.column, other.row], float) - start
    length = float(np.hypot(*way))
    inner = length - one.arm - other.arm
    if inner < 6:
        return None
    along = way / length
    across = np.array([-along[1], along[0]])
    steps = np.arange(one.arm + 1, length - other.arm, 1.0)
    aside = np.arange(-_BESIDE, _BESIDE + 1)
    places = start + steps[:, None, None] * along + aside[None, :, None] * across
    profile = cv2.remap(
        grey, places.astype(np.float32), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    ).astype(int)
    middle = profile[:, _BESIDE - 1 : _BESIDE + 2].max(axis=1)
    ground = np.maximum(np.median(profile[:, :3], axis=1), np.median(profile[:, -3:], axis=1))
    lit = (middle >= ground + _CONTRAST) & (np.abs(middle - (one.grey + other.grey) / 2) <= _SLACK)
    if lit.mean() < _LIT or _longest_gap(lit) > max(_LONGEST_GAP * len(lit), _LONGEST_GAP_PX):
        return None
    drawn = np.zeros(grey.shape, np.uint8)
    cv2.line(drawn, (one.column, one.row), (other.column, other.row), 1, 3)
    return drawn


def _longest_gap(lit: npt.NDArray[np.bool_]) -> int:
    ends = np.flatnonzero(np.concatenate([[True], lit, [True]]))
    return int(np.diff(ends).max()) - 1
