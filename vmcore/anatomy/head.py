"""The skull's outer ellipse and what is measured on it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class HeadEllipse:
    """The skull's outer line, as sonographers lay an ellipse on it.

    Attributes:
        centre: (row, column) in pixels.
        half_axes: (long, short) in pixels.
        angle: of the long axis against the rows, in radians, growing clockwise as pictures are seen.
    """

    centre: tuple[float, float]
    half_axes: tuple[float, float]
    angle: float

    @property
    def circumference(self) -> float:
        """Head circumference in pixels, by Ramanujan's second formula."""
        a, b = self.half_axes
        h = ((a - b) / (a + b)) ** 2
        return float(np.pi * (a + b) * (1 + 3 * h / (10 + np.sqrt(4 - 3 * h))))

    @property
    def biparietal_diameter(self) -> float:
        """The short axis in pixels, outer to outer wall."""
        return 2 * self.half_axes[1]

    def outline(self, count: int = 96) -> npt.NDArray[np.float64]:
        """(count, 2) points (x, y) on the ellipse."""
        t = np.linspace(0, 2 * np.pi, count, endpoint=False)
        x, y = self.half_axes[0] * np.cos(t), self.half_axes[1] * np.sin(t)
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        return np.column_stack(
            [self.centre[1] + x * cos - y * sin, self.centre[0] + x * sin + y * cos]
        )

    def scaled(self, rows: float, columns: float) -> HeadEllipse:
        """The same in other units: ``rows`` and ``columns`` are a pixel's height and width in them."""
        return HeadEllipse.through(self.outline() * np.array([columns, rows]))

    def level(self, row: float, column: float) -> tuple[float, float]:
        """A point in shares of the half axes: along the long axis, and across it."""
        x, y = column - self.centre[1], row - self.centre[0]
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        return (x * cos + y * sin) / self.half_axes[0], (y * cos - x * sin) / self.half_axes[1]

    @classmethod
    def through(cls, points: npt.NDArray[np.float64]) -> HeadEllipse:
        """The ellipse that fits (N, 2) points (x, y) best, N at least 6.

        Raises:
            ValueError: too few points, or none that an ellipse goes through.
        """
        if len(points) < 6:
            raise ValueError("An ellipse needs six points.")
        (x, y), axes, degrees = cv2.fitEllipseDirect(points.astype(np.float32)[:, None])
        if not (np.isfinite([x, y, *axes, degrees]).all() and min(axes) > 0):
            raise ValueError("No ellipse goes through these points.")
        return cls.of_axes((y, x), (axes[0] / 2, axes[1] / 2), float(np.deg2rad(degrees)))

    @classmethod
    def of_axes(
        cls, centre: tuple[float, float], half_axes: tuple[float, float], angle: float
    ) -> HeadEllipse:
        """An ellipse from its two half axes in any order; the first one lies at ``angle``."""
        first, second = half_axes
        if first < second:
            first, second, angle = second, first, angle + np.pi / 2
        angle = float((angle + np.pi / 2) % np.pi - np.pi / 2)
        return cls((float(centre[0]), float(centre[1])), (float(first), float(second)), angle)
