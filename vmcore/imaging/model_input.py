"""The one way from a cleaned image to what a model sees."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

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


def normalise(pixels: Tensor) -> Tensor:
    """Subtract ImageNet's mean and divide by its deviation.

    Args:
        pixels: uint8 (0..255) or floating point (0..1), (..., 3, H, W).

    Returns:
        floating point of the same shape; float32 for uint8.
    """
    values = pixels.to(torch.float32).div_(255) if pixels.dtype == torch.uint8 else pixels
    shape = (3, 1, 1)
    mean = torch.tensor(IMAGENET_MEAN, dtype=values.dtype, device=values.device)
    deviation = torch.tensor(IMAGENET_DEVIATION, dtype=values.dtype, device=values.device)
    return (values - mean.view(shape)) / deviation.view(shape)


def to_model_input(image: npt.NDArray[np.uint8]) -> Tensor:
    """Turn a cleaned image into model input, float32 (3, 224, 224), ImageNet-normalised.

    Args:
        image: uint8 (H, W, 3), RGB.

    Raises:
        ValueError: the image is not uint8 (H, W, 3).
    """
    pixels = torch.from_numpy(np.ascontiguousarray(to_model_pixels(image)))
    return normalise(pixels.permute(2, 0, 1).contiguous())
