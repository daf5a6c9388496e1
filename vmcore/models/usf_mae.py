"""Take USF-MAE's public checkpoints (or our own masked autoencoders) as encoders."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from vmcore.models.checkpoints import read_weights
from vmcore.models.errors import WeightsError

_ENCODER = ("cls_token", "pos_embed", "patch_embed.", "blocks.", "norm.")


def load_usf_mae_encoder(path: str | Path) -> dict[str, Tensor]:
    """Read a USF-MAE checkpoint and keep its encoder.

    Args:
        path: the public ``.pt``/``.pth`` file, or a ``.safetensors`` of our own pretraining.

    Returns:
        a state dict for timm's ViT without its head, checked key by key.

    Raises:
        WeightsError: not a masked autoencoder, or of sizes that do not fit together.
    """
    return encoder_state(read_weights(Path(path)))


def encoder_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Drop the decoder of a masked autoencoder's state dict, checking that it is one.

    Raises:
        WeightsError: naming what is missing or unfitting.
    """
    encoder = {key: value for key, value in state.items() if key.startswith(_ENCODER)}
    needed = ("cls_token", "pos_embed", "patch_embed.proj.weight", "norm.weight")
    missing = [key for key in needed if key not in encoder]
    if missing:
        raise WeightsError(
            "This is not a masked autoencoder's checkpoint: missing " + ", ".join(missing) + "."
        )
    width = encoder["norm.weight"].numel()
    depth = len({key.split(".")[1] for key in encoder if key.startswith("blocks.")})
    for key, shape in _expected(width, depth).items():
        if key not in encoder:
            raise WeightsError(f"The checkpoint's encoder lacks {key}.")
        if tuple(encoder[key].shape) != shape:
            raise WeightsError(
                f"The checkpoint's {key} is {tuple(encoder[key].shape)}, not {shape}."
            )
    extra = [key for key in state if key not in encoder and not of_decoder(key)]
    if extra:
        raise WeightsError(f"The checkpoint holds {extra[0]}, which a masked autoencoder has not.")
    return encoder


def of_decoder(key: str) -> bool:
    """Whether a parameter of a masked autoencoder belongs to its decoder."""
    return key.startswith("decoder_") or key == "mask_token"


def _expected(width: int, depth: int) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {
        "cls_token": (1, 1, width),
        "pos_embed": (1, 197, width),
        "patch_embed.proj.weight": (width, 3, 16, 16),
        "patch_embed.proj.bias": (width,),
        "norm.weight": (width,),
        "norm.bias": (width,),
    }
    layers = {
        "norm1": (width,),
        "attn.qkv": (3 * width, width),
        "attn.proj": (width, width),
        "norm2": (width,),
        "mlp.fc1": (4 * width, width),
        "mlp.fc2": (width, 4 * width),
    }
    for block in range(depth):
        for layer, shape in layers.items():
            shapes[f"blocks.{block}.{layer}.weight"] = shape
            shapes[f"blocks.{block}.{layer}.bias"] = shape[:1]
    return shapes
