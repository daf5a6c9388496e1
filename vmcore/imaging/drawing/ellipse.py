"""Find dotted ellipses around a head, whole, from the dots of theirs that stand out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from vmcore.imaging.drawing.crosses import Cross
from vmcore.imaging.drawing.dots import Dots, Points

_FEWEST = 12  # dots in step on an ellipse, at least, less
_OUT_OF_STEP = 1.0  # for each that is not
_CLOSE = 1.8  # pixels from a dot to the ellipse that it is of
_SECTORS = 12  # of a full turn
_COVERED = 4  # of them, at least, in which dots are
_ROUNDS = 12
_MOST = 3  # ellipses
_IN_STEP = 0.2  # spacings by which a dot may be off its place
_MOST_RUNS = 8


class Ellipse(NamedTuple):
    """As OpenCV writes it: centre (x, y), full axes in pixels, angle in degrees."""

    centre: tuple[float, float]
    axes: tuple[float, float]
    angle: float

    def at(self, turn: npt.NDArray[np.float64]) -> Points:
        """Points (x, y) on it, by angle in radians from its first axis."""
        along = self.axes[0] / 2 * np.cos(turn)
        across = self.axes[1] / 2 * np.sin(turn)
        tilt = np.deg2rad(self.angle)
        x = self.centre[0] + along * np.cos(tilt) - across * np.sin(tilt)
        y = self.centre[1] + along * np.sin(tilt) + across * np.cos(tilt)
        return np.stack([x, y], axis=-1)

    def turn_of(self, xy: Points) -> npt.NDArray[np.float64]:
        """The angle in radians at which a point near it lies."""
        along, across = self._own(xy)
        return np.arctan2(across / (self.axes[1] / 2), along / (self.axes[0] / 2))

    def distance(self, xy: Points) -> npt.NDArray[np.float64]:
        """How far points are from it in pixels, to first order (Sampson 1982)."""
        along, across = self._own(xy)
        half = np.array(self.axes) / 2
        value = (along / half[0]) ** 2 + (across / half[1]) ** 2 - 1
        slope = 2 * np.hypot(along / half[0] ** 2, across / half[1] ** 2)
        return np.abs(value) / np.maximum(slope, 1e-9)

    def _own(self, xy: Points) -> npt.NDArray[np.float64]:
        tilt = np.deg2rad(self.angle)
        x, y = (xy - self.centre).T
        return np.stack([x * np.cos(tilt) + y * np.sin(tilt), y * np.cos(tilt) - x * np.sin(tilt)])


class _Fitted(NamedTuple):
    """An ellipse, its dots (bool (N,)), and how many of them speak for it."""

    ellipse: Ellipse
    members: npt.NDArray[np.bool_]
    sure: float


def ellipses_of(
    dots: Dots, crosses: Sequence[Cross], shape: tuple[int, ...]
) -> list[tuple[Ellipse, npt.NDArray[np.bool_]]]:
    """Ellipses that runs of dots lie on, each with the dots of its own, bool (N,).

    Bright bone hides most dots of an ellipse around a skull, and a short arc alone does not say
    where it goes on: runs are tried together, and with the crosses at its axes' ends.
    """
    if dots.spacing <= 0:  # no run of dots: crosses alone make no ellipse
        return []
    found: list[_Fitted] = []
    taken = np.zeros(len(dots.xy), bool)
    for _ in range(_MOST):
        tried = [
            fitted
            for start in _starts(dots, crosses, taken)
            if (fitted := _grown(dots, crosses, start, taken, shape)) is not None
        ]
        if not tried:
            break
        best = max(tried, key=lambda fitted: fitted.sure)
        found.append(best)
        taken |= best.members
    return [(one.ellipse, one.members) for one in found]


def _starts(dots: Dots, crosses: Sequence[Cross], taken: npt.NDArray[np.bool_]) -> Iterator[Points]:
    """Points to begin with: one to three runs, or crosses of one size, together."""
    free = np.where(taken, -1, dots.runs)
    runs, sizes = np.unique(free[free >= 0], return_counts=True)
    groups = [dots.xy[free == run] for run in runs[np.argsort(-sizes)][:_MOST_RUNS]]
    arms = {one.arm // 2 for one in crosses}
    groups += [
        np.array([(one.column, one.row) for one in crosses if one.arm // 2 == arm], float)
        for arm in sorted(arms)
    ]
    for count in (1, 2, 3):
        for some in combinations(groups, count):
            if sum(map(len, some)) >= 5:
                yield np.concatenate(some)


def _grown(
    dots: Dots,
    crosses: Sequence[Cross],
    start: Points,
    taken: npt.NDArray[np.bool_],
    shape: tuple[int, ...],
) -> _Fitted | None:
    """Fit, take in the dots close to it, and again until none joins or leaves."""
    points, members = start, np.zeros(len(dots.xy), bool)
    ends = np.array([(one.column, one.row) for one in crosses], float).reshape(-1, 2)
    ellipse = _fit(points, shape)
    for turn in range(_ROUNDS):
        if ellipse is None:
            return None
        far = ellipse.distance(dots.xy)
        # runs are surely drawn: they may lie farther off while the fit is still rough
        allowed = np.where((dots.runs >= 0) & (turn < _ROUNDS // 2), 2 * _CLOSE, _CLOSE)
        near = (far <= allowed) & ~taken
        if turn > _ROUNDS // 2 and np.array_equal(near, members):
            break
        members = near
        points = np.concatenate([dots.xy[members], ends[ellipse.distance(ends) <= 2 * _CLOSE]])
        ellipse = _fit(points, shape)
    if ellipse is None:
        return None
    beat = _beat(ellipse, dots.xy[members], dots.runs[members] >= 0, dots.spacing)
    right, wrong = int(beat.in_step.sum()), int((~beat.in_step).sum())
    sector = np.floor(ellipse.turn_of(dots.xy[members][beat.in_step]) / (2 * np.pi) * _SECTORS)
    spread = len(set(sector.astype(int) % _SECTORS))
    # dots that texture puts there by chance are as often out of step as in step
    sure = right - _OUT_OF_STEP * wrong
    return _Fitted(ellipse, members, sure) if sure >= _FEWEST and spread >= _COVERED else None


def _fit(xy: Points, shape: tuple[int, ...]) -> Ellipse | None:
    if len(xy) < 5:
        return None
    centre, axes, angle = cv2.fitEllipseDirect(xy.astype(np.float32))
    sound = np.isfinite([*centre, *axes, angle]).all() and min(axes) > 8
    return Ellipse(centre, axes, angle) if sound and max(axes) < 3 * max(shape[:2]) else None


class _Beat(NamedTuple):
    """Equal spacing all around: how many dots, the first one's place 0 to 1, who is in step."""

    number: int
    first: float
    in_step: npt.NDArray[np.bool_]


def _beat(ellipse: Ellipse, xy: Points, sure: npt.NDArray[np.bool_], spacing: float) -> _Beat:
    """The spacing that dots on an ellipse agree on, by their periodogram near a first guess."""
    turn, along = _arc(ellipse)
    share = np.interp(ellipse.turn_of(xy), turn, along) / along[-1]
    least, most = along[-1] / (1.25 * spacing), along[-1] / (0.8 * spacing)
    counts = np.arange(max(int(least), 1), int(most) + 2)
    sums = np.exp(2j * np.pi * counts[:, None] * share[sure]).sum(axis=1)
    best = int(np.abs(sums).argmax())
    first = float(np.angle(sums[best]) / (2 * np.pi))
    off = share * counts[best] - first
    return _Beat(int(counts[best]), first, np.abs(off - np.rint(off)) <= _IN_STEP)


def _arc(ellipse: Ellipse) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Angles all around, and the way along the ellipse to each in pixels."""
    turn = np.linspace(-np.pi, np.pi, 4001)
    steps = np.hypot(*np.diff(ellipse.at(turn), axis=0).T)
    return turn, np.concatenate([[0.0], np.cumsum(steps)])


def places_on(ellipse: Ellipse, xy: Points, sure: npt.NDArray[np.bool_], spacing: float) -> Points:
    """Where the ellipse's dots are: those that stand out, and those hidden in bright bone.

    Args:
        ellipse: what the dots are on.
        xy: its dots, (N, 2).
        sure: which of them are in runs, bool (N,).
        spacing: about how far apart they are, pixels.
    """
    beat = _beat(ellipse, xy, sure, spacing)
    turn, along = _arc(ellipse)
    share = (np.arange(beat.number) + beat.first) / beat.number % 1
    everywhere = ellipse.at(np.interp(share * along[-1], along, turn))
    return np.concatenate([xy[beat.in_step], everywhere])
