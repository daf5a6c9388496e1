"""What the network looks at: the whole picture, and the head turned level and to one size.

A view is an affine map from a picture's pixels to the view's. Points are (x, y) = (column, row) with
pixel centres at whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from vmcore.anatomy.head import HeadEllipse

VIEW_HEIGHT, VIEW_WIDTH = 192, 256
HEAD_SHORT_AXIS_PX = 148.0
"""The head's short axis in a level view."""

_BRIGHT = 99.0  # per cent of the view's pixels are darker than what counts as bright
_DARKEST = 24.0  # grey value below which nothing counts as bright

Grey = npt.NDArray[np.uint8]
Matrix = npt.NDArray[np.float64]
Points = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class View:
    """An affine map, (2, 3), from a picture's (x, y) to the view's."""

    matrix: Matrix

    @property
    def scale(self) -> float:
        """View pixels per picture pixel, the geometric mean of both directions."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix[:, :2]))))

    def take(self, picture: Grey) -> Grey:
        """The view (192, 256) of a grey picture (H, W), black outside of it."""
        return warp(picture, self.matrix, (VIEW_HEIGHT, VIEW_WIDTH))

    def to_view(self, points: Points) -> Points:
        """(N, 2) points of the picture in the view."""
        return points @ self.matrix[:, :2].T + self.matrix[:, 2]

    def to_picture(self, points: Points) -> Points:
        """(N, 2) points of the view in the picture."""
        return (points - self.matrix[:, 2]) @ np.linalg.inv(self.matrix[:, :2]).T

    def inside(self, shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
        """(192, 256), where the view shows the picture of that (height, width)."""
        return warp(np.full(shape, 255, np.uint8), self.matrix, (VIEW_HEIGHT, VIEW_WIDTH)) > 127


def grey_of(picture: npt.NDArray[np.uint8]) -> Grey:
    """The grey picture (H, W) that is looked at: the mean of red, green and blue, cut to whole numbers."""
    # along the last axis numpy takes ten times as long
    red, green, blue = cv2.split(picture)
    return ((red.astype(np.uint16) + green + blue) // 3).astype(np.uint8)


def warp(picture: Grey, matrix: Matrix, shape: tuple[int, int]) -> Grey:
    """Take a picture through an affine map without the patterns that skipped pixels make."""
    shrink = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if shrink < 0.75:
        height, width = (max(round(side * shrink), 1) for side in picture.shape)
        sx, sy = width / picture.shape[1], height / picture.shape[0]
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        # a pixel's centre (x + 0.5) * s - 0.5 of the small picture is x of the large one
        enlarge = np.array([[1 / sx, 0, 0.5 / sx - 0.5], [0, 1 / sy, 0.5 / sy - 0.5], [0, 0, 1]])
        matrix = matrix @ enlarge
    return cv2.warpAffine(picture, matrix, (shape[1], shape[0]), flags=cv2.INTER_LINEAR)


def normalised(view: Grey) -> npt.NDArray[np.float32]:
    """Values 0..1 of a view, its bright echoes at 1 whatever the gain was."""
    bright = max(float(np.percentile(view, _BRIGHT)), _DARKEST)
    return np.minimum(view.astype(np.float32) / bright, 1.0)


def whole_view(shape: tuple[int, int], stretch: float = 1.0) -> View:
    """The whole picture, as large as it fits.

    Args:
        shape: (height, width) of the picture.
        stretch: by which rows have to grow so that pixels are square.
    """
    height, width = shape[0] * stretch, float(shape[1])
    scale = min(VIEW_HEIGHT / height, VIEW_WIDTH / width)
    linear = np.diag([scale, scale * stretch])
    middle = np.array([(shape[1] - 1) / 2, (shape[0] - 1) / 2])
    return View(np.column_stack([linear, _VIEW_MIDDLE - linear @ middle]))


def level_view(head: HeadEllipse, stretch: float = 1.0) -> View:
    """The head with its long axis along the rows, its upper side up, its short axis 148 pixels.

    Args:
        head: in a picture whose rows have been stretched already.
        stretch: by which they were.
    """
    scale = HEAD_SHORT_AXIS_PX / (2 * head.half_axes[1])
    turn = (head.angle + np.pi / 2) % np.pi - np.pi / 2  # never upside down
    cos, sin = np.cos(turn), np.sin(turn)
    linear = scale * np.array([[cos, sin], [-sin, cos]])
    middle = np.array([head.centre[1], head.centre[0]])
    offset = _VIEW_MIDDLE - linear @ middle
    return View(np.column_stack([linear @ np.diag([1.0, stretch]), offset]))


_VIEW_MIDDLE = np.array([(VIEW_WIDTH - 1) / 2, (VIEW_HEIGHT - 1) / 2])
