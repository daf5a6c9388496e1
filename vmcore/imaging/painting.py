"""Paint over what does not belong to a scan, from what is around it."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

_INPAINT_RADIUS = 3  # pixels, Navier-Stokes, as in the paper


def paint_over(image: npt.NDArray[np.uint8], mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """Fill masked pixels from their surroundings; all others stay bit for bit.

    Args:
        image: uint8 (H, W, 3).
        mask: bool (H, W).
    """
    painted = cv2.inpaint(image, mask.astype(np.uint8), _INPAINT_RADIUS, cv2.INPAINT_NS)
    return np.where(mask[..., None], painted, image).astype(np.uint8)
