"""Find dotted lines and curves: small dots of one grey, equally far apart."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

_FAINT = 90  # grey value from which something may be a dot
_CONTRAST = 30  # by which a dot is brighter than most of the ring around it
_RING = 3  # pixels
_DARK_OF_RING = 18  # of 24 pixels: a line goes through the ring, too, and is next to dark
_GAP = 20  # grey values by which the place between two dots is darker than they are
_SAME_GREY = 45
_NEAREST, _FARTHEST = 4, 18  # pixels from dot to dot
_LEAST = 7  # dots in a run, at least
_DENSEST = 1 / 250  # dots a pixel: more of them are texture, in which runs come by chance

Grey = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float64]


class Dots(NamedTuple):
    """What may be drawn dots.

    Attributes:
        xy: float64 (N, 2), column and row of each centre, to less than a pixel.
        grey: int64 (N,), the brightest pixel of each.
        runs: int64 (N,), the run of equally spaced dots that each is in; -1 without one.
        spacing: median distance in pixels from dot to dot in the runs; 0 without any.
    """

    xy: Points
    grey: npt.NDArray[np.int64]
    runs: npt.NDArray[np.int64]
    spacing: float


def dots_in(grey: Grey) -> Dots:
    """All that looks like a dot, and which of them stand in runs as only a pen sets them.

    Args:
        grey: uint8 (H, W).
    """
    xy, values = _candidates(grey)
    runs, spacing = _runs(grey, xy, values)
    return Dots(xy, values, runs, spacing)


def _candidates(grey: Grey) -> tuple[Points, npt.NDArray[np.int64]]:
    soft = cv2.GaussianBlur(grey, (3, 3), 0.8)  # JPEG moves the brightest pixel of a dot
    highest = cv2.dilate(soft, np.ones((3, 3), np.uint8))
    ground = cv2.add(cv2.blur(grey, (2 * _RING + 1,) * 2), _CONTRAST // 2)
    peaks = ((soft == highest) & (grey >= _FAINT) & (soft > ground)).astype(np.uint8)
    _, _, stats, centres = cv2.connectedComponentsWithStats(peaks, connectivity=8)
    small = stats[:, 4] <= 6
    small[0] = False
    column, row = np.rint(centres[small]).astype(int).T + _RING
    padded = np.pad(grey, _RING, mode="edge").astype(np.int64)
    square = range(-_RING, _RING + 1)
    ring = [
        padded[row + down, column + right]
        for down in square
        for right in square
        if max(abs(down), abs(right)) == _RING
    ]
    core = {
        (down, right): padded[row + down, column + right]
        for down in (-1, 0, 1)
        for right in (-1, 0, 1)
    }
    values = np.max(list(core.values()), axis=0)
    alone = (np.array(ring) <= values - _CONTRAST).sum(axis=0) >= _DARK_OF_RING
    base = np.median(ring, axis=0)
    weights = {place: np.maximum(pixels - base, 0) for place, pixels in core.items()}
    total = np.maximum(sum(weights.values()), 1)
    x = column - _RING + sum(right * w for (_, right), w in weights.items()) / total
    y = row - _RING + sum(down * w for (down, _), w in weights.items()) / total
    return np.stack([x, y], axis=1)[alone], values[alone]


def _runs(
    grey: Grey, xy: Points, values: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], float]:
    """Number the runs: from a dot to a second, on to where a third must be, and so on."""
    none = np.full(len(xy), -1)
    if len(xy) > _DENSEST * grey.size:
        return none, 0.0
    first, second = _pairs(grey, xy, values)
    if len(first) == 0:
        return none, 0.0
    following = _following(xy, values, first, second, grey.shape)
    ahead = np.ones(len(first), int)
    at = following.copy()
    for _ in range(2 * _LEAST):
        going = at >= 0
        ahead[going] += 1
        at[going] = following[at[going]]
    key = first * len(xy) + second
    back = np.searchsorted(key, second * len(xy) + first)
    long = ahead + ahead[back] >= _LEAST
    if not long.any():
        return none, 0.0
    first, second = first[long], second[long]
    labels = np.arange(len(xy))
    for _ in range(len(xy)):  # the smallest number spreads along each run
        before = labels.copy()
        np.minimum.at(labels, first, labels[second])
        labels = labels[labels]
        if np.array_equal(before, labels):
            break
    member = np.zeros(len(xy), bool)
    member[first] = True
    spacing = float(np.median(np.hypot(*(xy[first] - xy[second]).T)))
    return np.where(member, labels, none), spacing


def _pairs(
    grey: Grey, xy: Points, values: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Ordered pairs of near dots of one grey with something darker between them."""
    order = np.argsort(xy[:, 1], kind="stable")
    firsts, seconds = [np.zeros(0, int)], [np.zeros(0, int)]
    for ahead in range(1, len(xy)):
        step = xy[order[ahead:]] - xy[order[:-ahead]]
        if step[:, 1].min() > _FARTHEST:
            break
        far = np.hypot(step[:, 0], step[:, 1])
        near = np.flatnonzero((far >= _NEAREST) & (far <= _FARTHEST))
        firsts.append(order[near])
        seconds.append(order[near + ahead])
    one, other = np.concatenate(firsts), np.concatenate(seconds)
    last = np.array(grey.shape[::-1]) - 1
    column, row = np.rint((xy[one] + xy[other]) / 2).astype(int).clip(0, last).T
    darkest = np.minimum(values[one], values[other])
    fit = (np.abs(values[one] - values[other]) <= _SAME_GREY) & (
        grey[row, column] <= darkest - _GAP
    )
    one, other = one[fit], other[fit]
    first, second = np.concatenate([one, other]), np.concatenate([other, one])
    by_key = np.argsort(first * len(xy) + second)
    return first[by_key], second[by_key]


def _following(
    xy: Points,
    values: npt.NDArray[np.int64],
    first: npt.NDArray[np.int64],
    second: npt.NDArray[np.int64],
    shape: tuple[int, ...],
) -> npt.NDArray[np.int64]:
    """For each pair, the pair that goes on from its second dot, or -1."""
    margin, reach = _FARTHEST + 4, 2
    places = np.full((shape[0] + 2 * margin, shape[1] + 2 * margin), -1)
    column, row = np.rint(xy).astype(int).T + margin
    spots = [(y, x) for y in range(-reach, reach + 1) for x in range(-reach, reach + 1)]
    for down, right in sorted(spots, key=lambda at: -(at[0] ** 2 + at[1] ** 2)):
        places[row + down, column + right] = np.arange(len(xy))
    expected = 2 * xy[second] - xy[first]
    column, row = np.rint(expected).astype(int).T + margin
    third = places[row, column]
    there = third >= 0
    third = np.maximum(third, 0)
    step = np.hypot(*(xy[second] - xy[first]).T)
    miss = np.hypot(*(xy[third] - expected).T)
    next_step = np.hypot(*(xy[third] - xy[second]).T)
    there &= miss <= np.maximum(1.5, 0.2 * step)
    there &= np.abs(next_step - step) <= np.maximum(1.2, 0.15 * step)
    there &= np.abs(values[third] - values[second]) <= _SAME_GREY
    key = first * len(xy) + second
    wanted = second * len(xy) + third
    at = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
    return np.where(there & (key[at] == wanted), at, -1)
