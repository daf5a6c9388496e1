"""Find callipers' crosses, upright (+) or oblique (×), by their strokes of one grey."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

_SHORTEST = 3  # pixels of an arm beside the centre
_LONGEST = 20
_PEN = 100  # grey value from which a stroke may be drawn
_SLACK = 25  # grey values by which a stroke of one grey may vary, after JPEG
_CONTRAST = 25  # by which the corners between the arms are darker
_LARGEST_CENTRE = 12  # pixels: more of them around one place are an area, not a cross
_APART = 6  # pixels between two crosses of a pair, at least

Grey = npt.NDArray[np.uint8]
_UPRIGHT = ((0, 1), (0, -1), (1, 0), (-1, 0))
_OBLIQUE = ((1, 1), (1, -1), (-1, 1), (-1, -1))


@dataclass(frozen=True, slots=True)
class Cross:
    """A cross: its centre, the length of its arms in pixels beside it, and its grey value."""

    row: int
    column: int
    arm: int
    grey: int
    upright: bool = True

    def pixels(self, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
        """Its strokes, 1 where they are, uint8 (H, W)."""
        drawn = np.zeros(shape[:2], np.uint8)
        for down, right in _UPRIGHT if self.upright else _OBLIQUE:
            end = (self.column + right * self.arm, self.row + down * self.arm)
            cv2.line(drawn, (self.column, self.row), end, 1)
        return drawn


def crosses_in(grey: Grey) -> tuple[Cross, ...]:
    """Crosses that have a fellow of the same form, size and grey: callipers come in pairs.

    Args:
        grey: uint8 (H, W).
    """
    found = [*_of_form(grey, upright=True), *_of_form(grey, upright=False)]
    return tuple(one for one in found if any(_fellows(one, other) for other in found))


def _fellows(one: Cross, other: Cross) -> bool:
    apart = max(abs(one.row - other.row), abs(one.column - other.column))
    return (
        one.upright == other.upright
        and abs(one.arm - other.arm) <= 1
        and abs(one.grey - other.grey) <= _SLACK
        and apart > _APART
    )


def _of_form(grey: Grey, *, upright: bool) -> list[Cross]:
    side = 2 * _SHORTEST + 1
    kernel = np.zeros((side, side), np.uint8)
    if upright:
        kernel[_SHORTEST], kernel[:, _SHORTEST] = 1, 1
        between = [(down * _SHORTEST, right * _SHORTEST) for down, right in _OBLIQUE]
    else:
        kernel |= np.eye(side, dtype=np.uint8) | np.eye(side, dtype=np.uint8)[::-1]
        between = [(down * (_SHORTEST + 1), right * (_SHORTEST + 1)) for down, right in _UPRIGHT]
    pen = cv2.erode(grey, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    limit = cv2.subtract(pen, _CONTRAST)
    height, width = grey.shape
    pad = _SHORTEST + 1
    padded = np.pad(grey, pad)
    darker = np.zeros(grey.shape, np.uint8)
    for down, right in between:
        shifted = padded[pad + down : pad + down + height, pad + right : pad + right + width]
        darker += shifted < limit
    centres = ((pen >= _PEN) & (darker >= 3)).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(centres, connectivity=8)
    found = []
    for label in range(1, count):
        left, top, wide, tall, area = stats[label]
        if area > _LARGEST_CENTRE:
            continue
        box = (slice(top, top + tall), slice(left, left + wide))
        here = np.where(labels[box] == label, pen[box], 0)
        row, column = np.unravel_index(int(here.argmax()), here.shape)
        cross = _measured(grey, int(top + row), int(left + column), upright=upright)
        if cross is not None:
            found.append(cross)
    return found


def _measured(grey: Grey, row: int, column: int, *, upright: bool) -> Cross | None:
    """The cross at a place, if three arms or more are equally long, thin and of one grey."""
    ways = _UPRIGHT if upright else _OBLIQUE
    near = [
        grey[row + down * step, column + right * step]
        for down, right in ways
        for step in range(1, _SHORTEST + 1)
    ]
    least = int(np.median(near)) - _SLACK

    def lit(at_row: int, at_column: int) -> bool:
        inside = 0 <= at_row < grey.shape[0] and 0 <= at_column < grey.shape[1]
        return inside and int(grey[at_row, at_column]) >= least

    lengths = []
    for down, right in ways:
        length = 0
        while length <= _LONGEST and lit(row + down * (length + 1), column + right * (length + 1)):
            length += 1
        lengths.append(length)
    lengths.sort()
    arm = lengths[1]
    if not _SHORTEST <= arm <= _LONGEST or lengths[2] - lengths[0] > max(1, round(0.15 * arm)):
        return None
    # an arm may run into a line or into bone, the others end where the stroke ends
    step = max(2, 2 * arm // 3)
    beside = 0
    for down, right in ways:
        for side in (2, -2) if upright else (3, -3):
            away = (side * abs(right), side * abs(down)) if upright else (side, 0)
            beside += not lit(row + down * step + away[0], column + right * step + away[1])
    return Cross(row, column, arm, int(np.median(near)), upright) if beside >= 6 else None
