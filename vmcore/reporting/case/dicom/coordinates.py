"""From the cleaned picture's pixels to the original image's, as DICOM counts them.

In the library whole numbers are the centres of pixels, (row, column). In DICOM (0.0, 0.0) is the top left
corner of the top left pixel, and the column comes first (PS3.3 C.10.5.1.2 and C.18.6.1.2): half a pixel
more, and turned around.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]


def in_source(points: npt.ArrayLike, offset: tuple[int, int]) -> Points:
    """Points of the cleaned picture in the original.

    Args:
        points: (N, 2) (row, column) in pixels of the cleaned picture.
        offset: (row, column) of the cleaned picture in the original (``CleanFrame.offset``).

    Returns:
        (N, 2) (column, row).
    """
    moved = np.asarray(points, float).reshape(-1, 2) + np.asarray(offset, float) + 0.5
    return moved[:, ::-1].copy()


def inside(points: Points, rows: int, columns: int) -> list[Points]:
    """The parts of a line that lie within an image, of two points at least each.

    Args:
        points: (N, 2) (column, row).
        rows: of the image.
        columns: of the image.
    """
    within = np.all((points >= 0) & (points <= (columns, rows)), axis=1).tolist()
    parts: list[Points] = []
    start = None
    for at, is_in in enumerate([*within, False]):
        if is_in and start is None:
            start = at
        elif not is_in and start is not None:
            if at - start > 1:
                parts.append(points[start:at])
            start = None
    return parts
