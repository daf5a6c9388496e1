"""The ruler at a picture's edge, in several vendors' manners."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

Manner = Literal["dots", "edge", "centimetres", "plain"]
"""dots: a column of them every 5 mm, larger every 10 and 50; edge: black or white dashes that grow from
the left and lower edge, every 5 and 10 mm; centimetres: dashes at the right, every 10 and 50 mm; plain:
dashes at the right every 10 mm, all alike, so nobody can tell what they stand for."""

MANNERS: tuple[Manner, ...] = ("dots", "edge", "centimetres", "plain")


def draw_ruler(
    image: npt.NDArray[np.uint8],
    top: int,
    mm: float,
    manner: Manner,
    rng: np.random.Generator,
) -> npt.NDArray[np.uint8]:
    """A picture with a ruler.

    Args:
        image: uint8 (H, W, 3).
        top: row of the scan's skin line, where a ruler along the rows begins.
        mm: millimetres per pixel.
        manner: how it is drawn.
        rng: of brightness and place.
    """
    drawn = image.copy()
    height, width = image.shape[:2]
    unit = max(height / 660, 1.0)  # pixels are larger on larger screens
    bright = int(rng.integers(170, 256))
    if manner == "dots":
        middle = round(width * rng.uniform(0.015, 0.05))
        for number, row in _places(top + 2, height, 5 / mm):
            long = 10 if number % 10 == 0 else 4 if number % 2 == 0 else 2
            half = max(long * unit, 1) / 2
            _fill(drawn, row, middle - half, middle + half, bright)
    elif manner == "edge":
        value = int(rng.choice([0, bright]))
        for number, row in _places(top + 2, height, 5 / mm):
            _fill(drawn, row, 0, (5 if number % 2 else 10) * unit, value)
        turned = np.ascontiguousarray(drawn[::-1].transpose(1, 0, 2))
        for number, column in _places(round(width * rng.uniform(0, 0.1)), width, 5 / mm):
            _fill(turned, column, 0, (5 if number % 2 else 10) * unit, value)
        drawn = np.ascontiguousarray(turned.transpose(1, 0, 2)[::-1])
    else:
        end = width - round(width * rng.uniform(0, 0.03))
        large = 5 if manner == "centimetres" else 0
        for number, row in _places(top + 2, height, 10 / mm):
            long = 14 if large and number % large == 0 else 6
            _fill(drawn, row, end - long * unit, end, bright)
    return drawn


def _places(first: float, length: int, pitch: float) -> list[tuple[int, float]]:
    return [(number, at) for number, at in enumerate(np.arange(first, length - 2, pitch))]


def _fill(image: npt.NDArray[np.uint8], row: float, first: float, last: float, value: int) -> None:
    at = round(row)
    thick = max(round(image.shape[0] / 700), 1)
    cv2.rectangle(
        image, (round(first), at), (max(round(last) - 1, round(first)), at + thick - 1),
        (value,) * 3, -1,
    )  # fmt: skip
