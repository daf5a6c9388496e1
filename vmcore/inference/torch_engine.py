"""Networks by torch: on a graphics card, and wherever a layer must be looked into."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vmcore.inference.engine import Array, ForwardOutput, embedding, patches_as_map
from vmcore.models import fast_dtype, reads_mean, vision_transformer


class TorchEngine:
    """An ensemble on a device; see :class:`vmcore.inference.engine.Engine`.

    It works with copies: the models given stay where and as they are.
    """

    def __init__(
        self, models: Sequence[nn.Module], device: torch.device, dtype: torch.dtype | None = None
    ) -> None:
        self.device = device
        # a graphics card is fast enough to answer as a run's predictions were made: in float32
        self.dtype = dtype or (torch.float32 if device.type == "cuda" else fast_dtype(device))
        self._models = [copy.deepcopy(model).to(device, self.dtype).eval() for model in models]

    @torch.inference_mode()
    def forward(self, batch: Array) -> list[ForwardOutput]:
        """See :class:`vmcore.inference.engine.Engine`."""
        images = torch.from_numpy(batch).to(self.device, self.dtype)
        return [as_output(forward_pass(model, images)) for model in self._models]

    def only(self, index: int) -> TorchEngine:
        """See :class:`vmcore.inference.engine.Engine`."""
        return TorchEngine([self._models[index]], self.device, self.dtype)


class _Layers(NamedTuple):
    """logits (B, 2); activations (B, N, C) or (B, C, h, w); last features; what the head reads."""

    logits: Tensor
    activations: Tensor
    features: Tensor
    pooled: Tensor | None


def forward_pass(model: nn.Module, images: Tensor) -> _Layers:
    """Run a classifier once.

    Args:
        model: from :func:`vmcore.models.create_classifier`.
        images: (B, 3, 224, 224), normalised, of the model's own type.
    """
    if not vision_transformer(model):
        activations = model.forward_features(images)  # type: ignore[operator]
        logits = model.forward_head(activations)  # type: ignore[operator]
        return _Layers(logits, activations, activations.flatten(2).transpose(1, 2), None)
    tokens, (before, last) = model.forward_intermediates(  # type: ignore[operator]
        images, indices=2, output_fmt="NLC"
    )
    pooled = model.forward_head(tokens, pre_logits=True)  # type: ignore[operator]
    logits = model.head(pooled)  # type: ignore[operator]
    if reads_mean(model):
        return _Layers(logits, last, last, pooled)
    taken_in = model.blocks[-1].norm1(before)  # type: ignore[index, union-attr]
    return _Layers(logits, taken_in, last, pooled)


def as_output(layers: _Layers) -> ForwardOutput:
    """What was computed, as arrays."""
    activations = _array(layers.activations)
    read = [] if layers.pooled is None else [_array(layers.pooled)]
    return ForwardOutput(
        _array(layers.logits),
        patches_as_map(activations) if activations.ndim == 3 else activations,
        embedding(_array(layers.features), read),
    )


def _array(tensor: Tensor) -> Array:
    found: Array = tensor.detach().float().cpu().numpy()
    return found
