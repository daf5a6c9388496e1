"""One forward pass that yields everything: logits, a feature map and an embedding."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from vmcore.models import vision_transformer


class Seen(NamedTuple):
    """What a model made of a batch.

    logits (B, 2) float32; features (B, C, h, w), the last block's patch tokens or the last
    convolution's map; embedding (B, D) float32, the features' mean and deviation over positions,
    and a transformer's class token.
    """

    logits: Tensor
    features: Tensor
    embedding: Tensor


def look(model: nn.Module, images: Tensor) -> Seen:
    """Run a classifier once.

    Args:
        model: from :func:`vmcore.models.create_classifier`.
        images: (B, 3, 224, 224), normalised, of the model's own type.
    """
    if vision_transformer(model):
        tokens, (features,) = model.forward_intermediates(images, indices=1)  # type: ignore[operator]
        logits = model.forward_head(tokens)  # type: ignore[operator]
        token = [tokens[:, 0].float()]
    else:
        features = model.forward_features(images)  # type: ignore[operator]
        logits = model.forward_head(features)  # type: ignore[operator]
        token = []
    values = features.float().flatten(2)
    mean = values.mean(dim=2)
    # std() is slow on tokens, whose channels lie next to each other
    deviation = ((values - mean[..., None]).square().sum(dim=2) / (values.shape[2] - 1)).sqrt()
    embedding = torch.cat([mean, deviation, *token], dim=1)
    return Seen(logits.float(), features, embedding)

