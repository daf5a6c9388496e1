"""Which network some weights are of, told by their names and shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from vmcore.models.positions import Positions, grid_of, kind_of
from vmcore.models.usf_mae import of_decoder

Kind = Literal[
    "masked autoencoder", "encoder alone", "vision transformer with a head", "another network"
]


@dataclass(frozen=True, slots=True)
class FoundNetwork:
    """What weights tell of their network; None where they do not.

    Attributes:
        kind: "masked autoencoder" with a decoder; "encoder alone" without decoder and head; a
            "vision transformer with a head", or "another network".
        classes: of the head.
        width: channels of a token.
        depth: blocks of the encoder.
        patch_side: side of a patch in pixels.
        image_side: side of a picture in pixels, by the number of positions.
        decoder_width, decoder_depth: of the decoder.
        pooling: what the head reads: "avg" where there is an fc_norm, else "token".
        positions: sine-cosine (fixed), learnt, or none.
    """

    kind: Kind
    classes: int | None = None
    width: int | None = None
    depth: int | None = None
    patch_side: int | None = None
    image_side: int | None = None
    decoder_width: int | None = None
    decoder_depth: int | None = None
    pooling: Literal["token", "avg"] = "token"
    positions: Positions = "none"

    def sentence(self) -> str:
        """In words."""
        if self.kind == "another network":
            ends = f", with a head of {self.classes} classes" if self.classes else ""
            return f"A network that is no vision transformer{ends}."
        decoder = self.decoder_depth and f"a decoder of {self.decoder_depth} blocks"
        wide = f", {self.decoder_width} wide" if decoder and self.decoder_width else ""
        begins = {
            "masked autoencoder": f"A masked autoencoder with {decoder or 'parts of a decoder'}{wide}",
            "encoder alone": "An encoder alone: a masked autoencoder without its decoder, or a "
            "vision transformer without its head",
        }.get(self.kind, f"A vision transformer with a head of {self.classes} classes")
        side = f", for pictures of {self.image_side} pixels" if self.image_side else ""
        return (
            f"{begins}. {self.depth} blocks, {self.width} wide, patches of {self.patch_side} pixels"
            f"{side}; position embeddings: {self.positions}."
        )


def find_network(state: Mapping[str, Tensor]) -> FoundNetwork:
    """Tell which network weights are of.

    Args:
        state: parameters by their bare names.
    """
    kernel = state.get("patch_embed.proj.weight")
    if kernel is None or kernel.ndim != 4:
        return FoundNetwork(
            "another network", classes=_classes(state, "fc", "head.fc", "classifier")
        )
    table = state.get("pos_embed")
    grid = None if table is None else grid_of(table)
    decoded = any(of_decoder(key) for key in state)
    classes = _classes(state, "head")
    bare: Kind = "encoder alone" if classes is None else "vision transformer with a head"
    narrow = state.get("decoder_embed.weight")
    return FoundNetwork(
        kind="masked autoencoder" if decoded else bare,
        classes=classes,
        width=kernel.shape[0],
        depth=_depth(state, "blocks."),
        patch_side=kernel.shape[-1],
        image_side=None if grid is None else grid * kernel.shape[-1],
        decoder_width=narrow.shape[0] if narrow is not None and narrow.ndim else None,
        decoder_depth=_depth(state, "decoder_blocks.") if decoded else None,
        pooling="avg" if "fc_norm.weight" in state else "token",
        positions=kind_of(table),
    )


def _depth(state: Mapping[str, Tensor], name: str) -> int:
    return len({key.split(".")[1] for key in state if key.startswith(name)})


def _classes(state: Mapping[str, Tensor], *names: str) -> int | None:
    heads = (state.get(f"{name}.weight") for name in names)
    return next((head.shape[0] for head in heads if head is not None and head.ndim == 2), None)
