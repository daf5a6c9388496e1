"""Parts of a picture at several sizes on one sheet, so that a network looks at all of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from vmcore.imaging.scan import Region

_GAP = 16  # black pixels between parts
_SIDE_STEP = 160  # sheets of few different sizes: a network prepares itself for each anew


class Tile(NamedTuple):
    """A part of the picture, and where it lies on the sheet, enlarged by ``scale``."""

    part: Region
    row: int
    column: int
    scale: float


class Sheet(NamedTuple):
    """Parts side by side: pixels uint8 (H, W, 3), and which part lies where."""

    pixels: npt.NDArray[np.uint8]
    tiles: tuple[Tile, ...]

    def place_of(self, corners: npt.NDArray[np.float32]) -> npt.NDArray[np.float32] | None:
        """Corners (4, 2) on the sheet, as x and y in the picture; None where they lie between parts."""
        x, y = corners.mean(axis=0)
        for part, row, column, scale in self.tiles:
            inside = 0 <= y - row < scale * part.height and 0 <= x - column < scale * part.width
            if inside:
                shifted = (corners - (column, row)) / scale + (part.column, part.row)
                return shifted.astype(np.float32)
        return None


def lay_out(
    image: npt.NDArray[np.uint8], parts: Sequence[Region], scales: Sequence[float]
) -> Sheet:
    """Lay parts of a picture out in rows, the highest first, each at every scale.

    Args:
        image: uint8 (H, W, 3).
        parts: none of them empty.
        scales: by how much each is enlarged.
    """
    sizes = [
        (part, scale, round(scale * part.height), round(scale * part.width))
        for part in parts
        for scale in scales
    ]
    sizes.sort(key=lambda one: -one[2])
    area = sum((height + _GAP) * (width + _GAP) for _, _, height, width in sizes)
    width = _up(max(max(one[3] for one in sizes) + _GAP, round(1.1 * area**0.5)))
    tiles, row, column, below = [], 0, 0, 0
    for part, scale, tall, wide in sizes:
        if column + wide > width:
            row, column = below, 0
        tiles.append(Tile(part, row, column, scale))
        column += wide + _GAP
        below = max(below, row + tall + _GAP)
    pixels = np.zeros((_up(below), width, 3), np.uint8)
    for (part, top, left, _), (_, _, tall, wide) in zip(tiles, sizes, strict=True):
        piece = image[part.row : part.row + part.height, part.column : part.column + part.width]
        shown = cv2.resize(piece, (wide, tall), interpolation=cv2.INTER_CUBIC)
        pixels[top : top + tall, left : left + wide] = shown
    return Sheet(pixels, tuple(tiles))


def _up(side: int) -> int:
    return -(-side // _SIDE_STEP) * _SIDE_STEP
