"""Batches of pixels normalised on their device, as :func:`vmcore.imaging.to_model_input` does it."""

from __future__ import annotations

import torch
from torch import Tensor

from vmcore.imaging.model_input import IMAGENET_DEVIATION, IMAGENET_MEAN


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
