"""How a phantom's head lies in its picture: from pixels to head coordinates and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vmcore.data.phantom.anatomy import HeadGeometry

Coordinates = npt.NDArray[np.float32]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class HeadFrame:
    """Where the head's centre is, how it is turned, and on which side its front lies.

    Attributes:
        centre: (row, column).
        turn: of the head's long axis against the rows, in radians, clockwise as pictures are seen.
        front: 1.0 where the front looks along that axis, -1.0 where it looks back.
        mm: millimetres per pixel.
    """

    centre: Point
    turn: float
    front: float
    mm: float

    @classmethod
    def draw(cls, field: tuple[int, int], mm: float, rng: np.random.Generator) -> HeadFrame:
        """Draw a place near the middle of a field of (height, width) pixels."""
        centre = (field[0] * rng.uniform(0.47, 0.56), field[1] * rng.uniform(0.46, 0.54))
        return cls(centre, np.deg2rad(rng.normal(0, 14)), rng.choice([-1.0, 1.0]), mm)

    def coordinates_mm(self, field: tuple[int, int]) -> tuple[Coordinates, Coordinates]:
        """(H, W) each: position along the midline and across it, in mm."""
        rows, columns = np.mgrid[0 : field[0], 0 : field[1]].astype(np.float32)
        y, x = (rows - self.centre[0]) * self.mm, (columns - self.centre[1]) * self.mm
        along = self.front * (x * np.cos(self.turn) + y * np.sin(self.turn))
        return along, y * np.cos(self.turn) - x * np.sin(self.turn)

    def pixel(self, along_mm: float, across_mm: float) -> Point:
        """(row, column) of a point of the head."""
        cos, sin = np.cos(self.turn), np.sin(self.turn)
        x = self.front * along_mm * cos - across_mm * sin
        y = self.front * along_mm * sin + across_mm * cos
        return float(self.centre[0] + y / self.mm), float(self.centre[1] + x / self.mm)

    def atrium_ends(self, geometry: HeadGeometry, width_mm: float) -> tuple[Point, Point]:
        """The far atrium's inner walls, perpendicular to its course: the nearer one first.

        (row, column) each.
        """
        (x, y), (u, v) = geometry.atrium_xy_mm, geometry.atrium_course
        half = width_mm / 2
        ends = self.pixel(x - v * half, y + u * half), self.pixel(x + v * half, y - u * half)
        return min(ends), max(ends)

    def ellipse(self, long_mm: float, short_mm: float) -> tuple[Point, Point, float]:
        """An ellipse around the head's centre as OpenCV writes it, from its two axes."""
        axes = (long_mm / self.mm, short_mm / self.mm)
        return (self.centre[1], self.centre[0]), axes, float(np.rad2deg(self.turn))
