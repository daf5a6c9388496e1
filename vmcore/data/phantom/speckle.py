"""From anatomy to echoes: reflectivity, shadows, attenuation, speckle and log compression."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from scipy.special import expit

from vmcore.data.phantom.anatomy import Field, HeadGeometry

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ScanPhysics:
    """What the scanner and the mother add. Levels are decibels, lengths millimetres."""

    apex_mm: float
    half_angle_deg: float
    dynamic_range_db: float
    gain_db: float
    attenuation_db_per_cm: float
    smoothing_px: float
    lateral_px: float
    background: int
    haze_db: float
    shadow_db: float
    noise_db: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> ScanPhysics:
        """Draw a plausible scanner."""
        return cls(
            apex_mm=float(rng.uniform(25, 70)),
            half_angle_deg=float(rng.uniform(30, 48)),
            dynamic_range_db=float(rng.uniform(48, 66)),
            gain_db=float(rng.normal(0, 3)),
            attenuation_db_per_cm=float(rng.uniform(0.0, 1.2)),
            smoothing_px=float(rng.uniform(0.5, 1.3)),
            lateral_px=float(rng.uniform(1.0, 2.6)),
            background=int(rng.choice([0, 0, 0, 0, 0, 35, 60])),
            haze_db=float(rng.uniform(0, 9)),
            shadow_db=float(rng.uniform(4, 20)),
            noise_db=float(rng.uniform(-64, -50)),
        )


def render_echoes(
    head: HeadGeometry,
    across: Field,
    depth: Field,
    lateral: Field,
    physics: ScanPhysics,
    rng: np.random.Generator,
) -> tuple[npt.NDArray[np.uint8], Mask]:
    """Render 8-bit log-compressed grey (H, W) and the sector's mask.

    Speckle is the magnitude of band-limited complex Gaussian noise (fully developed speckle,
    Rayleigh distributed), scaled by the local reflectivity before compression.
    """
    beam = np.arctan2(lateral, depth + physics.apex_mm)
    radius = np.hypot(lateral, depth + physics.apex_mm)
    limit = np.deg2rad(physics.half_angle_deg)
    full = depth.max() + physics.apex_mm
    sector = (np.abs(beam) < limit) & (radius > physics.apex_mm + 1) & (radius < full)

    level = _reflectivity(head, across, depth, radius, beam, physics, rng)
    level -= physics.attenuation_db_per_cm * (depth - depth.mean()) / 10
    level -= _shadows(head, beam, depth, physics, rng)
    amplitude = _speckle(level.shape, physics, rng) * 10 ** (level / 20)
    floor = _speckle(level.shape, physics, rng) * 10 ** (physics.noise_db / 20)
    decibels = 20 * np.log10(np.hypot(amplitude, floor) + 1e-6) + physics.gain_db
    grey = 255 * (decibels / physics.dynamic_range_db + 1)
    grey = cv2.GaussianBlur(grey.clip(0, 255).astype(np.float32), (0, 0), physics.smoothing_px)
    grey = np.where(sector, grey, physics.background)
    return np.rint(grey).clip(0, 255).astype(np.uint8), sector


def _smooth_noise(
    shape: tuple[int, ...], cell_px: float, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Unit-variance noise with structures of about ``cell_px``."""
    small = (max(int(shape[0] / cell_px), 2), max(int(shape[1] / cell_px), 2))
    coarse = rng.standard_normal(small).astype(np.float32)
    return cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)


def _reflectivity(
    head: HeadGeometry,
    across: Field,
    depth: Field,
    radius: Field,
    beam: Field,
    physics: ScanPhysics,
    rng: np.random.Generator,
) -> npt.NDArray[np.float32]:
    """Mean echo level in dB below full scale."""
    shape = depth.shape
    level = rng.uniform(-37, -27) + 5 * _smooth_noise(shape, 40, rng)
    level = level + 3 * _smooth_noise(shape, 12, rng)
    layers = np.sin((radius - physics.apex_mm) * rng.uniform(0.8, 1.6) + 2 * beam)
    level += np.where(depth < rng.uniform(4, 14), 6 + 5 * layers, 0)
    pool = rng.uniform(1, 10) * (1 + 0.5 * _smooth_noise(shape, 60, rng)) - head.outside_mm
    fluid = expit((pool + 4 * _smooth_noise(shape, 80, rng)) / 0.7)
    level = level + fluid * (-56 - level)

    brain = rng.uniform(-50, -40) + 2.2 * _smooth_noise(shape, 24, rng)
    brain = brain + 2.5 * _smooth_noise(shape, 6, rng)
    near = across < -1
    level = np.where(head.brain, brain, level)
    level = np.where(head.sulci, brain + rng.uniform(8, 18), level)
    level = np.where(head.falx, rng.uniform(-24, -12) + 7 * _smooth_noise(shape, 20, rng), level)

    wall = rng.uniform(-26, -16) + 5 * _smooth_noise(shape, 14, rng)
    veil = rng.uniform(3, 14)  # reverberation hides the near half's contrast
    hidden = np.where(near, veil, 0).astype(np.float32)
    for ventricle in (head.far_ventricle, head.near_ventricle):
        border = cv2.morphologyEx(
            ventricle.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)
        ).astype(bool)
        facing = _vertical_edge(ventricle)
        dark = np.maximum(rng.uniform(-66, -56), brain - 18 + hidden)
        level = np.where(ventricle, dark, level)
        level = np.where(border & head.brain, wall - 18 * (1 - facing) - 1.3 * hidden, level)
    inside = head.choroid & (head.far_ventricle | head.near_ventricle)
    grain = 3 * _smooth_noise(shape, 6, rng)
    level = np.where(inside, rng.uniform(-29, -19) + grain - 0.8 * hidden, level)
    level = np.where(head.cavum, rng.uniform(-60, -50), level)
    level = np.where(head.cavum_wall, rng.uniform(-20, -12), level)

    toward = _vertical_edge(head.outside_mm < 0, wide=True)
    skull = rng.uniform(-8, -2) - rng.uniform(22, 44) * (1 - toward) ** 1.5
    skull = skull + 3.5 * _smooth_noise(shape, 30, rng)
    level = np.where(head.skull, skull, level)
    haze = physics.haze_db * np.exp(-np.clip(-head.outside_mm, 0, None) / 9)
    level = level + np.where(head.brain & near, haze + 1.5, 0)
    return cv2.GaussianBlur(level.astype(np.float32), (0, 0), 0.8)


def _vertical_edge(mask: Mask, *, wide: bool = False) -> npt.NDArray[np.float32]:
    """How far an edge faces the probe: 1 across the beam, 0 along it."""
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 5.0 if wide else 2.0)
    down, right = cv2.Sobel(soft, cv2.CV_32F, 0, 1), cv2.Sobel(soft, cv2.CV_32F, 1, 0)
    return np.abs(down) / np.maximum(np.hypot(down, right), 1e-4)


def _shadows(
    head: HeadGeometry, beam: Field, depth: Field, physics: ScanPhysics, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Refraction shadows behind the skull's flanks, and one or two from what lies above it."""
    lost = np.zeros(depth.shape, np.float32)
    inside = head.outside_mm < 0
    edges = [float(beam[inside].min()), float(beam[inside].max())] if inside.any() else []
    middle = float(depth[inside].mean()) if inside.any() else 0.0
    for edge in edges:
        width = rng.uniform(0.015, 0.05)
        below = expit((depth - middle) / 3)
        lost += physics.shadow_db * np.exp(-(((beam - edge) / width) ** 2)) * below
    for _ in range(int(rng.integers(0, 3))):
        centre, width = rng.uniform(-0.6, 0.6), rng.uniform(0.01, 0.05)
        lost += rng.uniform(2, 8) * np.exp(-(((beam - centre) / width) ** 2))
    return lost


def _speckle(
    shape: tuple[int, ...], physics: ScanPhysics, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    sigma = (physics.lateral_px, 0.6 * physics.lateral_px + 0.2)
    parts = [
        cv2.GaussianBlur(rng.standard_normal(shape, np.float32), (0, 0), sigma[0], sigmaY=sigma[1])
        for _ in range(2)
    ]
    magnitude = np.hypot(parts[0], parts[1])
    return magnitude / float(magnitude.mean())
