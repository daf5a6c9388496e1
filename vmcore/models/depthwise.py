"""Depthwise convolutions in float32 where a processor trains the rest in bfloat16."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class _Float32Depthwise(nn.Conv2d):
    """A depthwise convolution that autocast leaves in float32."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  (the name that nn.Conv2d gives it)
        with torch.autocast(input.device.type, enabled=False):
            return super().forward(input.float()).to(input.dtype)


def depthwise_in_float32(model: nn.Module) -> nn.Module:
    """Change the depthwise convolutions of a model in place; parameters keep their names.

    oneDNN has no fast backward pass for them in bfloat16; in float32 it has.
    """
    for module in model.modules():
        if type(module) is nn.Conv2d and module.groups == module.in_channels > 1:
            module.__class__ = _Float32Depthwise
    return model
