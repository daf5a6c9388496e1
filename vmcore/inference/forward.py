"""One forward pass that yields everything: logits, activations to explain, and an embedding."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from vmcore.models import vision_transformer


class ForwardOutput(NamedTuple):
    """What a model gives for a batch.

    logits (B, 2) float32; activations (B, C, h, w), which the heatmap is made of: patch tokens as
    the last block's attention takes them in (after its first norm), or the last convolution's map;
    embedding (B, D) float32, mean and deviation of the last features over positions, and a
    transformer's class token.
    """

    logits: Tensor
    activations: Tensor
    embedding: Tensor


def forward_pass(model: nn.Module, images: Tensor) -> ForwardOutput:
    """Run a classifier once.

    A class-token head reads nothing of the patches that the last block puts out: what they were
    before it, as keys and values of its attention, is the last that the verdict depends on.

    Args:
        model: from :func:`vmcore.models.create_classifier`.
        images: (B, 3, 224, 224), normalised, of the model's own type.
    """
    if vision_transformer(model):
        tokens, (before, last) = model.forward_intermediates(  # type: ignore[operator]
            images, indices=2, output_fmt="NLC"
        )
        logits = model.forward_head(tokens)  # type: ignore[operator]
        activations = patches_as_map(model.blocks[-1].norm1(before))  # type: ignore[index, union-attr]
        features, token = last.transpose(1, 2), [tokens[:, 0].float()]
    else:
        activations = model.forward_features(images)  # type: ignore[operator]
        logits = model.forward_head(activations)  # type: ignore[operator]
        features, token = activations.flatten(2), []
    values = features.float()
    mean = values.mean(dim=2)
    # std() is slow on tokens, whose channels lie next to each other
    deviation = ((values - mean[..., None]).square().sum(dim=2) / (values.shape[2] - 1)).sqrt()
    return ForwardOutput(logits.float(), activations, torch.cat([mean, deviation, *token], dim=1))


def patches_as_map(patches: Tensor) -> Tensor:
    """Patch tokens (B, N, C) as a map (B, C, h, w) of a square picture."""
    side = round(patches.shape[1] ** 0.5)
    return patches.transpose(1, 2).reshape(len(patches), -1, side, side)
