"""A transformer's weights laid out for the processor once, not again at every image.

What a forward pass on a CPU loses beside its matrix products: oneDNN reorders every weight matrix
each time it is used, and torch's fused attention takes longer than the plain products. The numbers
that come out are the same.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from vmcore.models import plain_attention, vision_transformer

_TOKENS = 197  # what the layout is chosen for; other lengths work too


class PackedLinear(nn.Module):
    """A linear layer for inference whose weight lies in oneDNN's own layout."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        weight = layer.weight.detach()
        self.weight = torch.ops.mkldnn._reorder_linear_weight(weight, _TOKENS)  # noqa: SLF001
        self.bias = None if layer.bias is None else layer.bias.detach()

    def forward(self, tokens: Tensor) -> Tensor:
        """Apply to (..., in features)."""
        product: Tensor = torch.ops.mkldnn._linear_pointwise(  # noqa: SLF001
            tokens, self.weight, self.bias, "none", [], ""
        )
        return product

    def __deepcopy__(self, _memo: dict[int, Any]) -> PackedLinear:
        return PackedLinear(self.unpacked())  # torch cannot copy a weight in oneDNN's layout

    def unpacked(self) -> nn.Linear:
        """The layer that it was made from."""
        weight = self.weight.to_dense()
        layer = nn.Linear(
            weight.shape[1], weight.shape[0], bias=self.bias is not None, dtype=weight.dtype
        )
        layer.weight = nn.Parameter(weight)
        if self.bias is not None:
            layer.bias = nn.Parameter(self.bias.clone())
        return layer


def pack(model: nn.Module) -> nn.Module:
    """Change a vision transformer on a CPU in place; leave every other model as it is."""
    first = next(model.parameters())
    if not vision_transformer(model) or first.device.type != "cpu":
        return model
    plain_attention(model)
    if torch.backends.mkldnn.is_available() and first.dtype == torch.bfloat16:  # type: ignore[no-untyped-call]
        for block in model.blocks:  # type: ignore[union-attr]
            _replace(block, nn.Linear, PackedLinear)
    return model


def unpacked(model: nn.Module) -> nn.Module:
    """A copy that can be differentiated and converted."""
    double = copy.deepcopy(model)
    _replace(double, PackedLinear, PackedLinear.unpacked)
    return double


def _replace(module: nn.Module, old: type[nn.Module], new: Callable[[Any], nn.Module]) -> None:
    for name, child in list(module.named_children()):
        if isinstance(child, old):
            setattr(module, name, new(child))
        else:
            _replace(child, old, new)
