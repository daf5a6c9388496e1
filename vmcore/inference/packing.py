"""A transformer's weights laid out for the processor once, not again at every image.

What a forward pass on a CPU loses beside its matrix products: oneDNN reorders every weight matrix
each time it is used, and without matrix units (AMX) torch's fused attention takes longer than the
plain products. The numbers that come out are the same but for rounding.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from vmcore.models import fast_dtype, plain_attention, vision_transformer
from vmcore.models.precision import matrix_units

_TOKENS = 197  # what the layout is chosen for; other lengths work too


class _Packed(nn.Module):
    """A layer for inference whose weight, seen as a matrix, lies in oneDNN's own layout."""

    def __init__(self, layer: nn.Linear | nn.Conv2d) -> None:
        super().__init__()
        matrix = layer.weight.detach().flatten(1)
        self.weight = torch.ops.mkldnn._reorder_linear_weight(matrix, _TOKENS)  # noqa: SLF001
        self.bias = None if layer.bias is None else layer.bias.detach()

    def product(self, tokens: Tensor) -> Tensor:
        """Apply to (..., in features)."""
        product: Tensor = torch.ops.mkldnn._linear_pointwise(  # noqa: SLF001
            tokens, self.weight, self.bias, "none", [], ""
        )
        return product

    def unpacked(self) -> nn.Linear | nn.Conv2d:
        """The layer that it was made from."""
        layer = self.blank()
        matrix = self.weight.to_dense()
        layer.to(matrix.dtype)
        layer.weight = nn.Parameter(matrix.reshape(layer.weight.shape))
        if self.bias is not None:
            layer.bias = nn.Parameter(self.bias.clone())
        return layer

    def blank(self) -> nn.Linear | nn.Conv2d:
        """A layer of the same shape with other weights."""
        raise NotImplementedError

    def __deepcopy__(self, _memo: dict[int, Any]) -> _Packed:
        return type(self)(self.unpacked())  # torch cannot copy a weight in oneDNN's layout


class PackedLinear(_Packed):
    """A linear layer."""

    def forward(self, tokens: Tensor) -> Tensor:
        """Apply to (..., in features)."""
        return self.product(tokens)

    def blank(self) -> nn.Linear:
        """A layer of the same shape with other weights."""
        rows, columns = self.weight.shape
        return nn.Linear(columns, rows, bias=self.bias is not None)


class PackedPatches(_Packed):
    """A convolution whose stride is its kernel: one matrix product over the patches."""

    def __init__(self, layer: nn.Conv2d) -> None:
        super().__init__(layer)
        self.channels, (self.side, _) = layer.in_channels, layer.kernel_size

    def forward(self, images: Tensor) -> Tensor:
        """Turn (B, C, H, W) into (B, D, H / side, W / side)."""
        batch, channels, height, width = images.shape
        rows, columns = height // self.side, width // self.side
        cut = images.reshape(batch, channels, rows, self.side, columns, self.side)
        patches = cut.permute(0, 2, 4, 1, 3, 5).flatten(3)
        return self.product(patches).permute(0, 3, 1, 2)

    def blank(self) -> nn.Conv2d:
        """A layer of the same shape with other weights."""
        return nn.Conv2d(
            self.channels, len(self.weight), self.side, self.side, bias=self.bias is not None
        )


def pack(model: nn.Module) -> nn.Module:
    """Change a vision transformer on a CPU in place; leave every other model as it is."""
    first = next(model.parameters())
    if not vision_transformer(model) or first.device.type != "cpu":
        return model
    if not matrix_units():  # with them fused attention is the faster of the two
        plain_attention(model)
    if packable(first.dtype):
        for block in model.blocks:  # type: ignore[union-attr]
            _replace(block, nn.Linear, PackedLinear)
        _replace(model.patch_embed, nn.Conv2d, PackedPatches)  # type: ignore[arg-type]
    return model


def packable(dtype: torch.dtype) -> bool:
    """Whether weights of this type can be laid out here: bfloat16 that is not emulated."""
    native = fast_dtype(torch.device("cpu")) == torch.bfloat16
    return dtype == torch.bfloat16 and native and bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]


def unpacked(model: nn.Module) -> nn.Module:
    """A copy that can be differentiated and converted."""
    double = copy.deepcopy(model)
    _replace(double, _Packed, _Packed.unpacked)
    return double


def _replace(module: nn.Module, old: type[nn.Module], new: Callable[[Any], nn.Module]) -> None:
    for name, child in list(module.named_children()):
        if isinstance(child, old):
            setattr(module, name, new(child))
        else:
            _replace(child, old, new)
