"""What was found in a picture: structures, head, midline, the atrium's calliper, and the plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from vmcore.anatomy.head import HeadEllipse

Point = tuple[float, float]
RulerTrouble = Literal["ticks", "head", "shape", "contradiction", "columns only", "gestational age"]
"""What stands against a ruler: its ticks may be of several kinds; the head would be impossible; its
shape says that pixels are not square; two rulers contradict each other; none lies along the rows'
direction; the head's size does not fit the gestational age that was told."""


_WHOLE = 0.97  # of the ellipse's line


@dataclass(frozen=True, slots=True)
class Head:
    """The skull.

    Attributes:
        ellipse: its outer line, in pixels of the picture.
        circumference_mm: head circumference; None without spacing.
        biparietal_diameter_mm: outer to outer wall; None without spacing.
        within_picture: the share of the ellipse's line that lies in the picture that was looked at, 0..1;
            the rest is a guess.
    """

    ellipse: HeadEllipse
    circumference_mm: float | None
    biparietal_diameter_mm: float | None
    within_picture: float = 1.0

    @property
    def is_whole(self) -> bool:
        """Whether as good as all of it lies in the picture."""
        return self.within_picture >= _WHOLE

    @property
    def circumference_px(self) -> float:
        """Head circumference in pixels."""
        return self.ellipse.circumference

    @property
    def biparietal_diameter_px(self) -> float:
        """Biparietal diameter in pixels."""
        return self.ellipse.biparietal_diameter


@dataclass(frozen=True, slots=True)
class AtriumCalliper:
    """The atrium's width, inner wall to inner wall, across the ventricle (ISUOG 2020).

    Attributes:
        start: (row, column) of the end nearer to the probe; ``end``: of the other.
        width_px: between them, in pixels of the picture.
        width_mm: the same in millimetres, right on pixels that are not square; None without spacing.
        head_share: the width over the head's short axis.
        uncertainty: one standard deviation of ``head_share``.
        side: whether it lies in the half of the head that is near to the probe, or far from it.
        probability: that the likeliest place is an atrium, 0..1.
        millimetres_from: the file's spacing, the ruler that the scanner drew, or the head's expected size
            at a gestational age.
        scale_deviation: one standard deviation of what a pixel is in mm, as a share of it: none of a file's.
    """

    start: Point
    end: Point
    width_px: float
    width_mm: float | None
    head_share: float
    uncertainty: float
    side: Literal["near", "far"]
    probability: float
    millimetres_from: Literal["file", "ruler", "gestational age"] | None = None
    scale_deviation: float = 0.0

    @property
    def uncertainty_mm(self) -> float | None:
        """One standard deviation of ``width_mm``, that of the scale included."""
        if self.width_mm is None:
            return None
        relative = np.hypot(self.uncertainty / self.head_share, self.scale_deviation)
        return float(self.width_mm * relative)


@dataclass(frozen=True, slots=True)
class Plane:
    """What the plane shows.

    Attributes:
        ventricle: probability that a lateral ventricle is visible; ``cavum``: that the cavum is.
        fits: whether an atrium was measured in it.
    """

    ventricle: float
    cavum: float
    fits: bool


@dataclass(frozen=True, slots=True)
class RulerScale:
    """What a ruler says.

    Attributes:
        spacing_mm: (row, column) millimetres per pixel; None where it cannot be told.
        tick_mm: what the distance of two ticks stands for; None where it cannot be told.
        both_directions: whether a ruler was read along rows and columns; pixels count as square
            without.
        trouble: why it cannot be told.
    """

    spacing_mm: tuple[float, float] | None
    tick_mm: float | None
    both_directions: bool
    trouble: RulerTrouble | None = None


@dataclass(frozen=True, slots=True)
class Anatomy:
    """Everything that was found in one picture.

    Attributes:
        structures: uint8 (H, W): 0 background, 1 brain, 2 cavum, 3 ventricle.
        head: None where no skull was found.
        midline: its ends (row, column) on the skull: along the falx where that is seen, else the
            head's long axis; None without a head.
        atrium: None where no ventricle was found or none can be measured, and in a head under 14 weeks.
        plane: what is visible.
        scale_doubtful: whether the spacing that was given makes the head impossibly small or large; then
            nothing is told in mm.
        ruler: what the ruler at the picture's edge says; None where there is none or nobody looked.
        midline_from: what the midline lies along; None without a head.
        told_early: whether a person told that the fetus is under 14 weeks.
    """

    structures: npt.NDArray[np.uint8]
    head: Head | None
    midline: tuple[Point, Point] | None
    atrium: AtriumCalliper | None
    plane: Plane
    scale_doubtful: bool = False
    ruler: RulerScale | None = None
    midline_from: Literal["falx", "long axis"] | None = None
    told_early: bool = False
