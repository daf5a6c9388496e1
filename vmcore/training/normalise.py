"""Batches of pixels normalised on their device, as :func:`vmcore.imaging.to_model_input` does it."""

from __future__ import annotations

from functools import cache

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
    mean, deviation = _constants(values.dtype, values.device)
    return (values - mean) / deviation


@cache
def _constants(dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """Mean and deviation, (3, 1, 1) each; kept, since a GPU waits for every copy to it."""
    with torch.inference_mode(False):  # whoever asks first must not decide who may learn with them
        mean, deviation = (
            torch.tensor(values, dtype=dtype, device=device).view(3, 1, 1)
            for values in (IMAGENET_MEAN, IMAGENET_DEVIATION)
        )
    return mean, deviation
