"""Score-CAM: what the network says of the picture seen through each channel of a layer.

Wang et al. 2020 (Score-CAM): each channel's activation, enlarged and scaled to 0..1, masks the
picture; the logit of what is left weighs the channel. It needs no gradients, but one forward pass a
channel, so it is offered for networks of few channels alone
(:func:`vmcore.inference.offered_methods`).
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from vmcore.inference.engine import Array
from vmcore.inference.heatmap import MOST_SCORE_CAM_CHANNELS, Heatmap

_BATCH = 32  # masked pictures that are judged at once


@torch.inference_mode()
def score_cam(
    model: nn.Module,
    images: Array,
    layer: nn.Module,
    as_map: Callable[[Tensor], Tensor] | None,
    target: int,
) -> list[Heatmap]:
    """Explain a logit by the layer's channels.

    Args:
        model: a float32 classifier, in evaluation mode.
        images: (B, 3, H, W), normalised.
        layer: whose output is explained.
        as_map: turns the layer's output into maps (B, C, h, w); None where it is such.
        target: the class whose logit is explained.

    Returns:
        float32 (H, W) in [0, 1] for each image.

    Raises:
        ValueError: the layer has more channels than :data:`MOST_SCORE_CAM_CHANNELS`.
    """
    pictures = torch.from_numpy(images)
    activations = _output_of(layer, model, pictures)
    maps = activations if as_map is None else as_map(activations)
    if maps.shape[1] > MOST_SCORE_CAM_CHANNELS:
        raise ValueError(
            f"Score-CAM runs a network once a channel, and this one has {maps.shape[1]}: "
            f"it is offered up to {MOST_SCORE_CAM_CHANNELS}."
        )
    return [
        _one(model, picture, channels, target)
        for picture, channels in zip(pictures, maps, strict=True)
    ]


def _one(model: nn.Module, picture: Tensor, channels: Tensor, target: int) -> Heatmap:
    """The map of one picture (3, H, W) and its layer's channels (C, h, w)."""
    scores = [
        model(picture * _masks(some, picture.shape[-2:]))[:, target]
        for some in torch.split(channels, _BATCH)
    ]
    weights = torch.cat(scores).softmax(dim=0)
    weighed = (weights[:, None, None] * channels).sum(dim=0).clamp(min=0).numpy()
    height, width = picture.shape[-2:]
    return _scaled(cv2.resize(_scaled(weighed), (width, height), interpolation=cv2.INTER_LINEAR))


def _masks(channels: Tensor, size: torch.Size) -> Tensor:
    """Channels (C, h, w) enlarged to (C, 1, H, W), each between 0 and 1."""
    large = interpolate(channels[:, None], size=tuple(size), mode="bilinear", align_corners=True)
    least, most = large.amin(dim=(2, 3), keepdim=True), large.amax(dim=(2, 3), keepdim=True)
    return (large - least) / (most - least + 1e-8)


def _output_of(layer: nn.Module, model: nn.Module, pictures: Tensor) -> Tensor:
    kept: list[Tensor] = []
    hook = layer.register_forward_hook(lambda _layer, _inputs, output: kept.append(output))
    try:
        model(pictures)
    finally:
        hook.remove()
    return kept[0]


def _scaled(values: Heatmap) -> Heatmap:
    shifted = values - values.min()
    return np.asarray(shifted / (1e-7 + shifted.max()), np.float32)
