"""The one way from a cleaned image to what a model sees."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

INPUT_SIDE = 224  # pixels
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
"""Of ImageNet's red, green and blue, 0..1, as timm has them, whose import is slow."""


def to_model_pixels(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Resize to 224 x 224 by nearest neighbour, as the paper does.

    Args:
        image: uint8 (H, W, 3), RGB, H and W >= 1.

    Returns:
        uint8 (224, 224, 3).

    Raises:
        ValueError: the image is not uint8 (H, W, 3).
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(f"An image must be uint8 (H, W, 3), not {image.dtype} {image.shape}.")
    return cv2.resize(image, (INPUT_SIDE, INPUT_SIDE), interpolation=cv2.INTER_NEAREST)


def to_model_input(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Turn a cleaned image into model input, float32 (3, 224, 224), ImageNet-normalised.

    Args:
        image: uint8 (H, W, 3), RGB.

    Raises:
        ValueError: the image is not uint8 (H, W, 3).
    """
    values = to_model_pixels(image).transpose(2, 0, 1).astype(np.float32) / np.float32(255)
    mean, deviation = (
        np.array(colours, np.float32)[:, None, None]
        for colours in (IMAGENET_MEAN, IMAGENET_DEVIATION)
    )
    return np.ascontiguousarray((values - mean) / deviation)
