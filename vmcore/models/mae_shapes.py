"""Sizes of masked autoencoders, by architecture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MaeShape:
    """Sizes of an encoder and its decoder; the defaults are ViT-B/16 with 512 x 8."""

    width: int = 768
    depth: int = 12
    heads: int = 12
    decoder_width: int = 512
    decoder_depth: int = 8
    decoder_heads: int = 16
    image_side: int = 224
    patch_side: int = 16


MAE_SHAPES: Mapping[str, MaeShape] = {
    "usf-mae": MaeShape(),
    "usf-mae-small": MaeShape(384, 12, 6, 256, 4, 8),
    "usf-mae-tiny": MaeShape(192, 12, 3, 128, 2, 4),
}
