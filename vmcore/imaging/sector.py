"""Find the scan sector: the part of a frame that holds echoes, not the black around it."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

_BLACK = 8  # grey value up to which a pixel counts as background


Mask = npt.NDArray[np.uint8]


def scan_sector(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Estimate where echoes are.

    Opening takes thin things away (text, ticks, grey bars), closing bridges anechoic parts, and
    of what remains the largest piece with its convex hull is the sector.

    Args:
        image: uint8 (H, W, 3), RGB.

    Returns:
        bool (H, W); all True where no sector stands out, so that nothing is taken for background.
    """
    grey = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (5, 5), 0)
    lit = (grey > _BLACK).astype(np.uint8)
    short = min(grey.shape)
    opening, closing = max(short / 40, 1.5), max(short / 24, 1.5)
    closed = cv2.morphologyEx(lit, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    solid = _grown(_shrunk(closed, opening), opening)
    solid = _shrunk(_grown(solid, closing), closing)
    contours, _ = cv2.findContours(solid, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not contours:
        return np.ones(grey.shape, bool)
    largest = max(contours, key=cv2.contourArea)
    if cv2.contourArea(largest) < 0.05 * grey.size:
        return np.ones(grey.shape, bool)
    sector = np.zeros(grey.shape, np.uint8)
    cv2.fillConvexPoly(sector, cv2.convexHull(largest), 1)
    return sector.astype(bool)


def _shrunk(mask: Mask, radius: float) -> Mask:
    """Erosion of a mask, 0 or 1, by a disc of that many pixels; what is outside of the picture takes nothing away.

    By distances, which take the same time for discs of any size.
    """
    far = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_5) >= radius
    return far.astype(np.uint8)


def _grown(mask: Mask, radius: float) -> Mask:
    """Dilation of a mask, 0 or 1, by a disc of that many pixels."""
    near = cv2.distanceTransform(1 - mask, cv2.DIST_L2, cv2.DIST_MASK_5) < radius
    return near.astype(np.uint8)
