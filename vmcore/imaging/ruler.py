"""The ruler that scanners draw at a picture's edge: ticks at equal distances, some of them larger.

Vendors draw dots or dashes, white or black, beside the scan or over its outermost columns or rows.
What makes them a ruler is that they stand on one line at equal distances; what their sizes' pattern is
says what a distance stands for. Read it before cleaning takes it away.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

_BAND = 0.12  # of the picture's side: how far from the edge a ruler may stand
_CONTRAST = 30  # grey values between a tick and what is around it
_THICKEST = 0.008  # of the ruler's length: ticks are thin along it
_LONGEST = 0.035  # of the picture's other side: and short across it
_FEWEST = 7  # ticks
_MOST_TICKS = 80  # on one line: more is texture
_FILLED = 0.7  # of the ticks must be seen, others may lie behind text
_OFF_PX, _OFF_SHARE = (
    1.0,
    0.03,
)  # how far a tick may stand from its place, in pixels and of the pitch
_LARGER = 1.4  # how much larger than the others larger ticks are
_SEEN_WHOLE = 0.75  # of the larger ones: texture hides a part of some
_FEWEST_LARGER = 2  # a single one may be a tick that something else made larger
_ALIKE = 1.2  # how different larger ticks of one kind may look, beyond a pixel
_SMALLEST_PITCH_PX = 5
_LARGEST_PX = 1600  # larger pictures are shrunk
_MOST_MARKS = 6000  # at an edge: more is texture
_SAME = 0.02  # difference within which two rulers are the same
_TRIED = 6  # of a line's commonest distances
_AGAIN = 0.3  # of a line's marks must have a neighbour at that distance, give or take a pixel
_SPANS = 0.4  # of the picture's side that a ruler covers at least

Grey = npt.NDArray[np.uint8]
Edge = Literal["left", "right", "top", "bottom"]


@dataclass(frozen=True, slots=True)
class Ruler:
    """A ruler at a picture's edge.

    Attributes:
        edge: where it stands; at the left and right its ticks tell rows apart, else columns.
        ticks: (N,) places of the seen ticks along the edge in pixels, growing.
        pitch_px: distance of neighbouring ticks in pixels.
        every: how many ticks apart larger ones stand, smallest number first: (2, 10) where every second
            tick is larger and every tenth largest; empty where all are alike.
    """

    edge: Edge
    ticks: npt.NDArray[np.float64]
    pitch_px: float
    every: tuple[int, ...]

    @property
    def vertical(self) -> bool:
        """Whether it measures along rows' direction, from top to bottom."""
        return self.edge in {"left", "right"}


def find_rulers(picture: npt.NDArray[np.uint8]) -> list[Ruler]:
    """The rulers at a picture's edges, at most one along each direction.

    Args:
        picture: uint8 (H, W, 3), before cleaning.
    """
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    shrunk = max(max(grey.shape) / _LARGEST_PX, 1.0)
    if shrunk > 1:
        size = (round(grey.shape[1] / shrunk), round(grey.shape[0] / shrunk))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    rulers = [_best(grey, ("left", "right")), _best(grey, ("bottom", "top"))]
    return [
        replace(ruler, ticks=ruler.ticks * shrunk, pitch_px=ruler.pitch_px * shrunk)
        for ruler in rulers
        if ruler is not None
    ]


@dataclass(frozen=True, slots=True)
class _Tick:
    """A thin bright or dark mark: its place along the ruler, and from where to where it reaches across."""

    place: float
    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class _Comb:
    """Ticks at equal distances: their numbers from the first one on, and where they are."""

    numbers: npt.NDArray[np.int64]
    ticks: list[_Tick]
    pitch: float
    off: float


def _best(grey: Grey, edges: tuple[Edge, Edge]) -> Ruler | None:
    found = [(comb, edge) for edge in edges for comb in [_comb_at(grey, edge)] if comb is not None]
    if not found:
        return None
    if len(found) == 2 and abs(found[0][0].pitch / found[1][0].pitch - 1) > _SAME:
        return None  # of two views, perhaps: nobody can tell whose it is
    comb, edge = max(found, key=lambda one: (len(one[0].ticks), -one[0].off))
    return Ruler(
        edge, np.array([tick.place for tick in comb.ticks]), comb.pitch, _larger_every(comb)
    )


def _comb_at(grey: Grey, edge: Edge) -> _Comb | None:
    """The ruler at an edge: of every line along it, the one whose marks form the best comb."""
    upright = grey if edge in {"left", "right"} else grey.T
    upright = upright if edge in {"left", "top"} else upright[:, ::-1]
    length, across = upright.shape
    band = np.ascontiguousarray(upright[:, : max(round(_BAND * across), 8)])
    best: _Comb | None = None
    for line in sorted(_lines(_marks(band, length, across), band.shape[1]), key=len, reverse=True):
        if best is not None and len(line) <= len(best.ticks):
            break
        comb = _comb(line, length)
        if comb is not None and (best is None or len(comb.ticks) > len(best.ticks)):
            best = comb
    return best


def _lines(kinds: list[list[_Tick]], columns: int) -> set[tuple[_Tick, ...]]:
    """The marks of one kind that share a column, where they are as many as a ruler may have."""
    lines: set[tuple[_Tick, ...]] = set()
    for marks in kinds:
        by_column: list[list[_Tick]] = [[] for _ in range(columns)]
        for mark in marks:
            for column in range(mark.first, mark.last + 1):
                by_column[column].append(mark)
        lines |= {tuple(line) for line in by_column if _FEWEST <= len(line) <= _MOST_TICKS}
    return lines


def _marks(band: Grey, length: int, across: int) -> list[list[_Tick]]:
    """Thin marks in an upright band, the bright ones and the dark ones."""
    thickest = max(round(_THICKEST * length), 3)
    lines = cv2.getStructuringElement(cv2.MORPH_RECT, (1, 2 * thickest + 1))
    found = []
    for operation in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT):
        stands_out = (cv2.morphologyEx(band, operation, lines) > _CONTRAST).astype(np.uint8)
        count, _, stats, middles = cv2.connectedComponentsWithStats(stands_out, connectivity=8)
        if count > _MOST_MARKS:
            continue
        found.append(
            [
                _Tick(float(middles[number, 1]), int(left), int(left + width - 1))
                for number in range(1, count)
                for left, _, width, height, _ in [stats[number]]
                if height <= thickest and width <= max(_LONGEST * across, 4)
            ]
        )
    return found


def _comb(marks: Iterable[_Tick], length: int) -> _Comb | None:
    """The marks of a line that stand at equal distances, where most of them do."""
    line = sorted(marks, key=lambda tick: tick.place)
    places = np.array([tick.place for tick in line])
    steps = Counter(
        round(float(step))
        for reach in (1, 2)
        for step in places[reach:] - places[:-reach]
        if step >= _SMALLEST_PITCH_PX
    )
    best: _Comb | None = None
    for rough, _ in steps.most_common(_TRIED):
        if sum(steps[rough + more] for more in (-1, 0, 1)) < _AGAIN * len(line):
            continue
        for start in range(min(len(line), 8)):
            comb = _fitted(line, places, start, rough)
            if comb is None or comb.numbers[-1] * comb.pitch < _SPANS * length:
                continue
            if best is None or len(comb.ticks) > len(best.ticks):
                best = comb
    # marks that are no ticks of it may be there, behind it, but fewer than its own
    return best if best is not None and len(best.ticks) >= 0.6 * len(line) else None


def _fitted(
    line: list[_Tick], places: npt.NDArray[np.float64], start: int, rough: float
) -> _Comb | None:
    """Follow a comb from one mark on, and lay the best equal distances through it."""
    chosen, numbers = [start], [0]
    allowed = max(_OFF_PX, _OFF_SHARE * rough)
    origin, pitch = places[start], rough
    for index in range(start + 1, len(line)):
        number = round((places[index] - origin) / pitch)
        if number <= numbers[-1] or abs(places[index] - origin - number * pitch) > allowed:
            continue
        chosen.append(index)
        numbers.append(number)
        pitch = (places[index] - origin) / number
    if len(chosen) < _FEWEST or len(chosen) < _FILLED * (numbers[-1] + 1):
        return None
    pitch, origin = np.polyfit(numbers, places[chosen], 1)
    off = places[chosen] - (origin + pitch * np.array(numbers))
    if np.abs(off).max() > allowed:
        return None
    return _Comb(
        np.array(numbers), [line[index] for index in chosen], float(pitch), float(off.std())
    )


def _larger_every(comb: _Comb) -> tuple[int, ...]:
    """How many ticks apart larger ones stand: first the largest, then larger ones between them."""
    lengths = np.array([tick.length for tick in comb.ticks], float)
    every: list[int] = []
    rest = np.ones(len(lengths), bool)
    for count in (10, 5, 2):
        if every and every[-1] % count:
            continue
        largest = _every(comb.numbers[rest], lengths[rest], count)
        if largest is None:
            continue
        larger = rest & (comb.numbers % count == largest)
        rest &= ~larger
        if count == 2 or larger.sum() >= _FEWEST_LARGER:
            every.append(count)
    return tuple(sorted(every))


def _every(
    numbers: npt.NDArray[np.int64], lengths: npt.NDArray[np.float64], count: int
) -> int | None:
    """The remainder of the numbers at which ticks are larger than all others, or None."""
    for remainder in range(count):
        larger = numbers % count == remainder
        if not larger.any() or (~larger).sum() < 2:
            continue
        others = float(np.quantile(lengths[~larger], 0.95, method="higher"))
        whole = lengths[larger] >= max(_LARGER * others, others + 1)
        if whole.mean() < (_SEEN_WHOLE if larger.sum() > 3 else 1):
            continue
        shortest, longest = np.quantile(lengths[larger][whole], [0, 1])
        if longest <= max(_ALIKE * shortest, shortest + 1):
            return remainder
    return None
