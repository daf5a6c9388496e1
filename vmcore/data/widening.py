"""Widen or narrow the ventricle of a real head, and change nothing else.

A picture and its widened twin have the same machine, grain, callipers and skull: what differs between
them is what makes ventriculomegaly. Across the ventricle its walls keep their thickness and move apart,
and the tissue beyond gives way smoothly, up to the skull. What was in the lumen, the choroid plexus
above all, keeps its size and sinks to the lower wall; the room above fills with fluid as dark and
uneven as the darkest places around. A ventricle that grows narrower is pressed together.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Grey = npt.NDArray[np.uint8]
Corners = npt.NDArray[np.float64]

_SLOPE = 1.6  # of the tissue's room over the wall's shift: above 1.5 nothing folds over
_REACH = 3.0  # over how many shifts the tissue gives way, where there is room
_SKULL_PX = 6.0  # how thick the skull may be
_UNDER_WALL = 0.2  # of half the width: what is kept of the lumen below the upper wall
_EDGE = 0.15  # of half the width: over which fluid begins and ends
_AROUND = 1.5  # of the atrium's length: how far the picture is asked how dark fluid is
_GRAIN = (2.2, 1.2)  # standard deviation of a speckle along and across the beam's lines, pixels


@dataclass(frozen=True, slots=True)
class Widened:
    """A picture with another ventricle.

    Attributes:
        picture: uint8 (H, W).
        rectangle: (4, 2) the atrium's rectangle in it.
        factor: by which the width has changed: what was asked for, or as much as there is room for.
        changed: bool (H, W), where pixels moved or were drawn anew.
    """

    picture: Grey
    rectangle: Corners
    factor: float
    changed: npt.NDArray[np.bool_]


def widen_ventricle(
    picture: Grey,
    rectangle: Corners,
    factor: float,
    rng: np.random.Generator,
    *,
    skull: Corners | None = None,
) -> Widened:
    """Change the width of an atrium.

    Args:
        picture: uint8 (H, W), grey.
        rectangle: (4, 2) corners (x, y) of the atrium's rectangle; its first side is the calliper.
        factor: new width over the old one, 0.4 to 5.
        rng: for the lumen's speckle.
        skull: (N, 2) points (x, y) on the skull, which stays where it is.

    Raises:
        ValueError: a factor out of range, or a rectangle without an inside.
    """
    if not 0.4 <= factor <= 5.0:
        raise ValueError(f"A width can be changed 0.4 to 5 times, not {factor}.")
    across, along = rectangle[1] - rectangle[0], rectangle[3] - rectangle[0]
    width, length = float(np.hypot(*across)), float(np.hypot(*along))
    if min(width, length) < 1:
        raise ValueError("The atrium's rectangle has no inside.")
    across, along = across / width, along / length
    middle = rectangle.mean(0)
    half = width / 2
    rooms = _rooms(middle, across, half, length / 2 + half, skull)
    shift = min(half * (factor - 1), *(room / _SLOPE for room in rooms))
    grid = np.indices(picture.shape, np.float32)
    x, y = grid[1] - np.float32(middle[0]), grid[0] - np.float32(middle[1])
    u, v = x * along[0] + y * along[1], x * across[0] + y * across[1]
    wall_shift = shift * _window(np.abs(u), length / 2, max(2.5 * abs(shift), length / 2))
    down = 1.0 if across[1] >= 0 else -1.0
    above, below = rooms if down > 0 else rooms[::-1]
    source, fluid = _source(down * v, half, wall_shift, shift, (above, below))
    held = _held(picture.shape, skull)
    moved, fluid = (down * source - v) * held, fluid * held
    warped = cv2.remap(
        picture,
        (grid[1] + moved * across[0]).astype(np.float32),
        (grid[0] + moved * across[1]).astype(np.float32),
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    near = np.hypot(u, v) < _AROUND * length
    widened = _filled(warped, fluid, picture[near], rng)
    change = 1 + shift / half
    return Widened(
        widened,
        middle + (rectangle - middle) @ _stretching(across, change),
        change,
        (np.abs(moved) > 0.05) | (widened != picture),
    )


def _rooms(
    middle: Corners, across: Corners, half: float, beside: float, skull: Corners | None
) -> tuple[float, float]:
    """How far the tissue reaches beyond both walls, before it and behind it, up to the skull."""
    if skull is None:
        return 8 * half, 8 * half
    offset = skull - middle
    along = np.abs(offset @ np.array([-across[1], across[0]]))
    over = offset @ across
    close = along < max(float(np.partition(along, 8)[8]), beside)
    behind, before = over[close & (over > 0)], -over[close & (over < 0)]
    return tuple(  # type: ignore[return-value]
        max(0.92 * float(side.min()) - half, 1.0) if len(side) else 8 * half
        for side in (before, behind)
    )


def _held(shape: tuple[int, ...], skull: Corners | None) -> npt.NDArray[np.float32]:
    """0 on the skull and outside of it, up to 1 well inside."""
    if skull is None:
        return np.ones(shape[:2], np.float32)
    brain = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(brain, [np.round(skull).astype(np.int32)], 1)
    depth = cv2.distanceTransform(brain, cv2.DIST_L2, 5)
    return 1 - _window(depth, _SKULL_PX, 2 * _SKULL_PX)


def _window(
    distance: npt.NDArray[np.float32], flat: float, fall: float | npt.NDArray[np.float64]
) -> npt.NDArray[np.float32]:
    """1 up to ``flat``, then down to 0 over ``fall``."""
    t = np.clip((distance - flat) / fall, 0, 1)
    return (1 - t * t * (3 - 2 * t)).astype(np.float32)


def _source(
    v: npt.NDArray[np.float32],
    half: float,
    wall_shift: npt.NDArray[np.float32],
    shift: float,
    rooms: tuple[float, float],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Where each pixel's value comes from across the ventricle, and how much of it is fluid (0..1).

    ``v`` grows downward, away from the probe; rooms are those above and below.
    """
    distance = np.abs(v)
    wall = half + wall_shift
    reaches = [min(_REACH * abs(shift) + 2 * half, room) for room in rooms]
    reach = np.where(v < 0, *reaches)
    give_way = _window(distance - wall, 0.0, np.maximum(reach, 1e-3))
    outside = np.sign(v) * (distance - np.multiply(wall_shift, give_way))
    if shift <= 0:
        source = np.where(distance <= wall, v * half / wall, outside)
        return source.astype(np.float32), np.zeros_like(v, np.float32)
    kept = _UNDER_WALL * half
    below_upper, above_lower = v + wall, wall - v
    sunk = np.where(
        above_lower < 2 * half - kept, half - above_lower, np.minimum(below_upper, kept) - half
    )
    edge = _EDGE * half
    fluid = np.clip((below_upper - kept) / edge + 0.5, 0, 1) * np.clip(
        (above_lower - 2 * half + kept) / edge + 0.5, 0, 1
    )
    fluid = fluid * np.clip(2 * wall_shift / edge - 0.5, 0, 1)  # there is room for it
    inside = distance <= wall
    source = np.where(inside, sunk, outside)
    return source.astype(np.float32), np.where(inside, fluid, 0).astype(np.float32)


def _filled(
    warped: Grey, fluid: npt.NDArray[np.float32], around: Grey, rng: np.random.Generator
) -> Grey:
    """Draw fluid, as dark and grainy as the darkest places around, where it has come in."""
    if not fluid.any():
        return warped
    dark, less_dark = (float(np.percentile(around, share)) for share in (1, 4))
    noise = rng.rayleigh(1.0, warped.shape).astype(np.float32)
    grain = cv2.GaussianBlur(noise, (0, 0), sigmaX=_GRAIN[0], sigmaY=_GRAIN[1])
    grain = (grain - grain.mean()) / grain.std()
    echoes = np.maximum(dark + 0.5 * (less_dark - dark) * (1 + grain), 0)
    mixed = warped * (1 - fluid) + np.minimum(echoes, 255) * fluid
    return np.where(fluid > 0, np.rint(mixed), warped).astype(np.uint8)


def _stretching(across: Corners, factor: float) -> npt.NDArray[np.float64]:
    """(2, 2) that stretches row vectors along a unit vector."""
    return np.eye(2) + (factor - 1) * np.outer(across, across)
