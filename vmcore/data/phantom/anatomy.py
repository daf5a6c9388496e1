"""Where things are in a fetal head in the transventricular plane, in millimetres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

_STEPS = 48  # discs along a ventricle
_ATRIUM = 0.68  # where along the ventricle's course its atrium lies, 0 frontal to 1 occipital
_SPACING_TO_MIDLINE_MM = 1.2


@dataclass(frozen=True, slots=True)
class PhantomAnatomy:
    """What a head is like. Lengths in mm, angles in degrees.

    Attributes:
        atrial_width_mm: inner width of the far ventricle's atrium, perpendicular to its course
            (ISUOG 2020); 10 or more is ventriculomegaly.
        near_width_mm: the same of the near ventricle.
        biparietal_mm: outer width of the skull; occipitofrontal_mm: its outer length.
        skull_mm: thickness of the skull.
        choroid_share: width of the choroid plexus as a share of a normal atrium.
    """

    atrial_width_mm: float
    near_width_mm: float
    biparietal_mm: float
    occipitofrontal_mm: float
    skull_mm: float = 2.2
    choroid_share: float = 0.8

    @classmethod
    def draw(cls, atrial_width_mm: float, rng: np.random.Generator) -> PhantomAnatomy:
        """Draw a head of 18 to 24 weeks that has room for the ventricle.

        Raises:
            ValueError: the width is not within 2 to 30 mm.
        """
        if not 2.0 <= atrial_width_mm <= 30.0:
            raise ValueError(f"Atrial width must be 2 to 30 mm, not {atrial_width_mm}.")
        biparietal = max(rng.uniform(42.0, 60.0), 3.1 * atrial_width_mm + 9.0)
        return cls(
            atrial_width_mm=atrial_width_mm,
            near_width_mm=atrial_width_mm * rng.uniform(0.8, 1.05),
            biparietal_mm=biparietal,
            occipitofrontal_mm=biparietal / rng.uniform(0.74, 0.84),
            skull_mm=rng.uniform(1.6, 2.8),
            choroid_share=rng.uniform(0.72, 0.98),
        )


@dataclass(frozen=True, slots=True)
class HeadGeometry:
    """Masks of the head's parts, bool (H, W), and signed distance to the skull's outside in mm.

    ``atrium_xy_mm`` is the middle of the far atrium and ``atrium_course`` the direction of its
    ventricle there, a unit vector; both in head coordinates (along, across).
    """

    outside_mm: Field
    skull: Mask
    brain: Mask
    far_ventricle: Mask
    near_ventricle: Mask
    choroid: Mask
    cavum: Mask
    cavum_wall: Mask
    falx: Mask
    sulci: Mask
    atrium_xy_mm: tuple[float, float]
    atrium_course: tuple[float, float]


def draw_geometry(
    along_mm: Field, across_mm: Field, anatomy: PhantomAnatomy, rng: np.random.Generator
) -> HeadGeometry:
    """Lay the head out on a grid.

    Args:
        along_mm: (H, W), position along the midline, frontal positive, 0 at the head's centre.
        across_mm: (H, W), position across it, positive on the far side from the probe.
        anatomy: what to draw.
        rng: for the small variations.
    """
    long, short = anatomy.occipitofrontal_mm / 2, anatomy.biparietal_mm / 2
    outside = _ellipse_distance(along_mm, across_mm, long, short)
    brain = outside < -anatomy.skull_mm
    far, centre, course = _ventricle(along_mm, across_mm, anatomy.atrial_width_mm, long, short, 1.0)
    near, _, _ = _ventricle(along_mm, across_mm, anatomy.near_width_mm, long, short, -1.0)
    room = brain & (outside < -anatomy.skull_mm - 1.2)
    cavum_x, cavum_half = 0.42 * long, rng.uniform(1.6, 2.6)
    cavum_length = rng.uniform(3.5, 5.5)
    from_cavum = np.abs(along_mm - cavum_x)
    box = (from_cavum < cavum_length) & (np.abs(across_mm) < cavum_half + 0.7)
    cavum = (from_cavum < cavum_length - 0.3) & (np.abs(across_mm) < cavum_half)
    waves = 0.35 * np.sin(along_mm * rng.uniform(0.15, 0.35) + rng.uniform(0, 6))
    falx = (np.abs(across_mm - waves) < 0.45) & brain & ~box
    falx &= (along_mm > cavum_x + 0.5 * cavum_length) | (along_mm < cavum_x - cavum_length - 4)
    choroid = _choroid(along_mm, across_mm, anatomy, long, short, rng)
    return HeadGeometry(
        outside_mm=outside,
        skull=(outside <= 0) & ~brain,
        brain=brain,
        far_ventricle=far & room,
        near_ventricle=near & room,
        choroid=choroid & room,
        cavum=cavum,
        cavum_wall=box & ~cavum,
        falx=falx,
        sulci=_sulci(along_mm, across_mm, long, short, rng) & room,
        atrium_xy_mm=centre,
        atrium_course=course,
    )


def _ellipse_distance(x: Field, y: Field, long: float, short: float) -> Field:
    """Signed distance to an ellipse, first order (exact on it, good near it), mm."""
    inner = np.sqrt((x / long) ** 2 + (y / short) ** 2)
    slope = np.sqrt((x / long**2) ** 2 + (y / short**2) ** 2)
    return np.where(inner > 1e-3, inner * (inner - 1) / np.maximum(slope, 1e-6), -short).astype(
        np.float32
    )


def _course(
    width: float, long: float, short: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Centre line (x, y) and half-width of a ventricle, frontal to occipital, in mm."""
    t = np.linspace(0.0, 1.0, _STEPS)
    x = long * np.interp(t, [0, 0.3, _ATRIUM, 1], [0.50, 0.12, -0.42, -0.70])
    level = np.interp(t, [0, 0.3, _ATRIUM, 1], [0.16, 0.22, 0.40, 0.38]) * short
    frontal = max(0.22 * width, 0.7)
    half = np.interp(t, [0, 0.12, 0.35, _ATRIUM, 0.86, 1], [0.5, 1, 1.0, 0, 0, 0]) * frontal
    half += np.interp(t, [0, 0.3, _ATRIUM, 0.86, 1], [0, 0.12, 1, 0.62, 0.1]) * width / 2
    half = np.where(t > _ATRIUM, np.minimum(half, width / 2), half)
    peak = int(np.argmin(np.abs(t - _ATRIUM)))
    half[peak] = width / 2
    half = np.minimum(half, width / 2)
    local = short * np.sqrt(np.clip(1 - (x / long) ** 2, 0.05, 1)) - 4.0
    y = np.clip(level, half + _SPACING_TO_MIDLINE_MM, np.maximum(local - half, half + 1.2))
    return x, y, half


def _ventricle(
    along: Field, across: Field, width: float, long: float, short: float, side: float
) -> tuple[Mask, tuple[float, float], tuple[float, float]]:
    x, y, half = _course(width, long, short)
    inside = np.zeros(along.shape, bool)
    reach = (across * side > 0) & (across * side < y.max() + width)
    rows, columns = np.nonzero(reach)
    a, b = along[rows, columns], across[rows, columns] * side
    hit = np.zeros(a.shape, bool)
    for step in range(_STEPS):
        hit |= (a - x[step]) ** 2 + (b - y[step]) ** 2 < half[step] ** 2
    inside[rows, columns] = hit
    peak = int(np.argmax(half))
    course = np.array([x[peak - 1] - x[peak + 1], side * (y[peak - 1] - y[peak + 1])])
    course /= np.hypot(*course)
    return inside, (float(x[peak]), float(side * y[peak])), (float(course[0]), float(course[1]))


def _choroid(
    along: Field,
    across: Field,
    anatomy: PhantomAnatomy,
    long: float,
    short: float,
    rng: np.random.Generator,
) -> Mask:
    """Choroid plexus: fills a normal atrium, dangles to the far wall of a wide one."""
    masks = np.zeros(along.shape, bool)
    for side, width in ((1.0, anatomy.atrial_width_mm), (-1.0, anatomy.near_width_mm)):
        x, y, half = _course(width, long, short)
        peak = int(np.argmax(half))
        size = anatomy.choroid_share * min(width, rng.uniform(6.5, 8.0)) / 2
        drop = max(width / 2 - size - 0.4, 0.0) * rng.uniform(0.5, 1.0)
        length = size * rng.uniform(1.9, 3.0)
        tilt = np.deg2rad(rng.uniform(5, 30))
        u, v = along - (x[peak] + 0.35 * length), across * side - (y[peak] + drop)
        turned = u * np.cos(tilt) + v * np.sin(tilt), v * np.cos(tilt) - u * np.sin(tilt)
        masks |= (turned[0] / length) ** 2 + (turned[1] / size) ** 2 < 1
    return masks


def _sulci(
    along: Field, across: Field, long: float, short: float, rng: np.random.Generator
) -> Mask:
    """Short bright lines of the insula and the convexity."""
    lines = np.zeros(along.shape, bool)
    for _ in range(int(rng.integers(5, 14))):
        angle, reach = rng.uniform(0, 2 * np.pi), rng.uniform(0.35, 0.85)
        x, y = reach * long * np.cos(angle), reach * short * np.sin(angle)
        turn, length = rng.uniform(-0.6, 0.6), rng.uniform(1.5, 5.0)
        u = (along - x) * np.cos(turn) + (across - y) * np.sin(turn)
        v = (across - y) * np.cos(turn) - (along - x) * np.sin(turn)
        lines |= (np.abs(u) < length) & (np.abs(v - 0.05 * u**2) < rng.uniform(0.25, 0.5))
    return lines
