"""A vision transformer as an OpenVINO graph, built from its weights alone (no torch).

The same network as timm's VisionTransformer with an input of 224 x 224 and patches of 16 x 16
(Dosovitskiy et al. 2021): pre-norm blocks, GELU by the error function, LayerNorm with epsilon 1e-6.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import openvino as ov
from openvino import opset13 as op

from vmcore.imaging.model_input import INPUT_SIDE
from vmcore.models.bundle_card import BundleCard
from vmcore.models.bundle_weights import FoldWeights
from vmcore.models.errors import WeightsError

_PATCH, _DEPTH, _HEAD_WIDTH, _EPSILON = 16, 12, 64, 1e-6
_PATCHES = (INPUT_SIDE // _PATCH) ** 2

Node = Any  # openvino's nodes have no types


def vit_graph(weights: FoldWeights, width: int, pooling: str) -> ov.Model:
    """Build the graph of one fold.

    Args:
        weights: by timm's names.
        width: channels of a token.
        pooling: "token" where the head reads the class token, "avg" where it reads the patches' mean.

    Returns:
        from (B, 3, 224, 224) to four outputs: logits (B, 2); the tokens that a heatmap is made of
        (B, 197, width), which are those that the last attention takes in for a class token and those
        behind the last block for a mean; the latter in any case (B, 197, width); what the head reads
        (B, width), after its norm.

    Raises:
        WeightsError: a parameter is missing, unexpected or of another shape.
    """
    _check(weights, _shapes(width, pooling))
    image = op.parameter([-1, 3, INPUT_SIDE, INPUT_SIDE], np.float32, name="image")
    tokens = _embed(image, weights, width)
    taken_in = tokens
    for block in range(_DEPTH):
        name = f"blocks.{block}."
        taken_in = _norm(tokens, weights, f"{name}norm1")
        tokens = op.add(tokens, _attention(taken_in, weights, f"{name}attn.", width))
        hidden = _linear(_norm(tokens, weights, f"{name}norm2"), weights, f"{name}mlp.fc1")
        tokens = op.add(tokens, _linear(op.gelu(hidden, "erf"), weights, f"{name}mlp.fc2"))
    if pooling == "token":
        pooled, explained = _at(_norm(tokens, weights, "norm"), 0), taken_in
    else:
        patches = op.slice(tokens, _ints([1]), _ints([_PATCHES + 1]), _ints([1]), _ints([1]))
        mean = op.reduce_mean(patches, _ints([1]), keep_dims=True)
        pooled, explained = _at(_norm(mean, weights, "fc_norm"), 0), tokens
    outputs = (_linear(pooled, weights, "head"), explained, tokens, pooled)
    return ov.Model([node.output(0) for node in outputs], [image], "vision_transformer")


def vit_width(card: BundleCard) -> int | None:
    """Channels of a token of the card's network; None where it is no vision transformer.

    Raises:
        WeightsError: an unknown architecture.
    """
    from vmcore.models.architectures import ARCHITECTURES  # noqa: PLC0415

    if card.architecture not in ARCHITECTURES:
        raise WeightsError(f"No architecture is called {card.architecture!r}.")
    return ARCHITECTURES[card.architecture].width


def _embed(image: Node, weights: FoldWeights, width: int) -> Node:
    """Patches and the class token, with their positions."""
    stride, none = [_PATCH, _PATCH], [0, 0]
    kernel = _constant(weights["patch_embed.proj.weight"])
    patches = op.convolution(image, kernel, stride, none, none, [1, 1])
    patches = op.add(patches, _constant(weights["patch_embed.proj.bias"].reshape(1, -1, 1, 1)))
    flat = op.reshape(patches, _ints([0, width, _PATCHES]), special_zero=True)
    placed = op.add(op.transpose(flat, _ints([0, 2, 1])), _constant(weights["pos_embed"][:, 1:]))
    token = _constant(weights["cls_token"] + weights["pos_embed"][:, :1])
    batch = op.gather(op.shape_of(image), _ints([0]), _ints(0))
    every = op.broadcast(token, op.concat([batch, _ints([1, width])], 0))
    return op.concat([every, placed], 1)


def _attention(tokens: Node, weights: FoldWeights, name: str, width: int) -> Node:
    heads, count = width // _HEAD_WIDTH, _PATCHES + 1
    whole = _linear(tokens, weights, f"{name}qkv")
    split = op.reshape(whole, _ints([0, count, 3, heads, _HEAD_WIDTH]), special_zero=True)
    parts = op.transpose(split, _ints([2, 0, 3, 1, 4]))
    query, key, value = (op.gather(parts, _ints(part), _ints(0)) for part in range(3))
    mixed = op.transpose(op.scaled_dot_product_attention(query, key, value), _ints([0, 2, 1, 3]))
    joined = op.reshape(mixed, _ints([0, count, width]), special_zero=True)
    return _linear(joined, weights, f"{name}proj")


def _linear(values: Node, weights: FoldWeights, name: str) -> Node:
    product = op.matmul(values, _constant(weights[f"{name}.weight"]), False, True)
    return op.add(product, _constant(weights[f"{name}.bias"]))


def _norm(values: Node, weights: FoldWeights, name: str) -> Node:
    standard = op.mvn(values, _ints([-1]), True, _EPSILON, "inside_sqrt")
    scaled = op.multiply(standard, _constant(weights[f"{name}.weight"]))
    return op.add(scaled, _constant(weights[f"{name}.bias"]))


def _at(tokens: Node, place: int) -> Node:
    return op.gather(tokens, _ints(place), _ints(1))


def _constant(values: np.ndarray) -> Node:
    return op.constant(np.ascontiguousarray(values, np.float32))


def _ints(values: int | list[int]) -> Node:
    return op.constant(np.array(values, np.int64))


def _shapes(width: int, pooling: str) -> dict[str, tuple[int, ...]]:
    """Every parameter's name and shape."""
    norm = "norm" if pooling == "token" else "fc_norm"
    shapes: dict[str, tuple[int, ...]] = {
        "cls_token": (1, 1, width),
        "pos_embed": (1, _PATCHES + 1, width),
        "patch_embed.proj.weight": (width, 3, _PATCH, _PATCH),
        "patch_embed.proj.bias": (width,),
        **_pair(norm, width),
        **_pair("head", 2, width),
    }
    for block in range(_DEPTH):
        name = f"blocks.{block}."
        shapes |= _pair(f"{name}norm1", width) | _pair(f"{name}norm2", width)
        shapes |= _pair(f"{name}attn.qkv", 3 * width, width)
        shapes |= _pair(f"{name}attn.proj", width, width)
        shapes |= _pair(f"{name}mlp.fc1", 4 * width, width)
        shapes |= _pair(f"{name}mlp.fc2", width, 4 * width)
    return shapes


def _pair(name: str, *shape: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def _check(weights: FoldWeights, shapes: Mapping[str, tuple[int, ...]]) -> None:
    problems = [f"missing {name}" for name in shapes if name not in weights]
    problems += [f"unexpected {name}" for name in weights if name not in shapes]
    problems += [
        f"{name} is {weights[name].shape}, not {shape}"
        for name, shape in shapes.items()
        if name in weights and weights[name].shape != shape
    ]
    if problems:
        raise WeightsError("The weights do not fit this model: " + "; ".join(problems[:4]) + ".")
