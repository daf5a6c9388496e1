"""Find coloured annotations (callipers, arrows, text) drawn over a grey scan.

After the paper's annotation removal: RGB to HSV, an adaptive threshold on unusually coloured
pixels, dilation, then closing.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

_LIT = 24  # below this value a pixel's saturation is compression noise
_TINTED = 40  # median saturation from which the whole scan counts as tinted
_HUE_STEP = 12  # degrees / 2: a hue this far from the tint is an annotation's


@dataclass(frozen=True, slots=True)
class ColourEvidence:
    """What the threshold saw, for figures and for people who check.

    Attributes:
        excess: float32 (H, W), chroma above the scan's own tint, 0..255.
        threshold: the adaptive threshold that ``excess`` had to pass.
        mask: bool (H, W), annotation pixels after dilation and closing.
    """

    excess: npt.NDArray[np.float32]
    threshold: float
    mask: npt.NDArray[np.bool_]


def colour_evidence(
    image: npt.NDArray[np.uint8], *, minimum_chroma: float = 40.0, dilation_px: int = 2
) -> ColourEvidence:
    """Separate coloured drawing from the scan.

    The threshold follows the scan: the median saturation of lit pixels (a tint such as sepia is
    not an annotation), plus six robust deviations, and never under ``minimum_chroma``. Weaker
    colour joins where it touches strong colour (blurred edges of lines, JPEG's colour fringes).

    Args:
        image: uint8 (H, W, 3), RGB.
        minimum_chroma: lowest threshold, 0..255.
        dilation_px: radius of the dilation in pixels.
    """
    if not _has_colour(image):
        return ColourEvidence(
            np.zeros(image.shape[:2], np.float32),
            minimum_chroma,
            np.zeros(image.shape[:2], bool),
        )
    hue, saturation, value = cv2.split(cv2.cvtColor(image, cv2.COLOR_RGB2HSV))
    lit = value > _LIT
    tint = float(np.median(saturation[lit])) if lit.any() else 0.0
    excess = (saturation.astype(np.float32) - tint).clip(0, None) * value / 255.0
    if tint > _TINTED:
        excess = np.maximum(excess, _other_hue(hue, saturation, value, lit))
    spread = 1.4826 * float(np.median(np.abs(excess[lit] - np.median(excess[lit]))))
    threshold = max(minimum_chroma, 6.0 * spread)
    strong = excess > threshold
    if not strong.any():
        return ColourEvidence(excess, threshold, strong)
    mask = _grow(strong, excess > 0.4 * threshold)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * dilation_px + 1,) * 2)
    grown = cv2.dilate(mask.astype(np.uint8), kernel)
    closed = cv2.morphologyEx(grown, cv2.MORPH_CLOSE, kernel)
    return ColourEvidence(excess, threshold, closed.astype(bool))


def _has_colour(image: npt.NDArray[np.uint8]) -> bool:
    red, green, blue = image[..., 0], image[..., 1], image[..., 2]
    return not (np.array_equal(red, green) and np.array_equal(green, blue))


def _other_hue(
    hue: npt.NDArray[np.uint8],
    saturation: npt.NDArray[np.uint8],
    value: npt.NDArray[np.uint8],
    lit: npt.NDArray[np.bool_],
) -> npt.NDArray[np.float32]:
    """Chroma of pixels whose hue is not the tint's own."""
    angle = hue[lit].astype(np.float64) * (2 * np.pi / 180)
    centre = np.arctan2(np.sin(angle).mean(), np.cos(angle).mean()) * (180 / (2 * np.pi)) % 180
    distance = np.abs((hue.astype(np.float32) - centre + 90) % 180 - 90)
    chroma = saturation.astype(np.float32) * value / 255.0
    return np.where(lit & (distance > _HUE_STEP), chroma, 0.0).astype(np.float32)


def _grow(strong: npt.NDArray[np.bool_], weak: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Keep the weak components that hold a strong pixel (hysteresis)."""
    _, labels = cv2.connectedComponents((strong | weak).astype(np.uint8), connectivity=8)
    keep = np.zeros(int(labels.max()) + 1, bool)
    keep[labels[strong]] = True
    keep[0] = False
    return keep[labels]
