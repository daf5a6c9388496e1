"""Weights that a masked autoencoder's training goes on from: its encoder, and its decoder where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from vmcore.models.checkpoints import find_misfit
from vmcore.models.errors import WeightsError
from vmcore.models.mae_shapes import MaeShape
from vmcore.models.masked_autoencoder import MaskedAutoencoder
from vmcore.models.positions import for_grid
from vmcore.models.usf_mae import of_decoder

_HEAD = ("head.", "fc_norm.")


@dataclass(frozen=True, slots=True)
class ForPretraining:
    """Weights as a masked autoencoder takes them.

    Attributes:
        state: for ``load_state_dict(state, strict=False)``: the whole encoder, and the whole decoder
            or nothing of it.
        has_decoder: whether the decoder is among them; without, it starts at random.
        said: sentences on what was changed, left out, or starts at random.
    """

    state: dict[str, Tensor]
    has_decoder: bool
    said: tuple[str, ...]


def for_pretraining(state: Mapping[str, Tensor], shape: MaeShape | None = None) -> ForPretraining:
    """Hold weights against a masked autoencoder and take what it can go on from.

    Args:
        state: parameters by their bare names.
        shape: of the masked autoencoder; ViT-B/16 with a 512-wide, 8-block decoder without.

    Raises:
        WeightsError: a parameter of the encoder is missing or of another size, or there are parts of
            a decoder that do not fit: no part of a network starts at random unsaid.
    """
    shape = shape or MaeShape()
    with torch.device("meta"):
        own = MaskedAutoencoder(shape).state_dict()
    grid = shape.image_side // shape.patch_side
    fitting, interpolated = for_grid(state, grid, "pos_embed", "decoder_pos_embed")
    said = [interpolated] if interpolated else []
    kept = {key: value for key, value in fitting.items() if not key.startswith(_HEAD)}
    if len(kept) < len(fitting):
        said.append("The file's classifier (its head) is left out: a masked autoencoder has none.")
    has_decoder = any(of_decoder(key) for key in kept)
    wanted = {key: value for key, value in own.items() if has_decoder or not of_decoder(key)}
    if not any(key.startswith("patch_embed.") for key in kept):
        raise WeightsError("These weights are no vision transformer's: they hold no patch_embed.")
    misfit = find_misfit(wanted, kept)
    if misfit:
        raise WeightsError(
            misfit.sentence().replace("fit this model", "fit this masked autoencoder", 1)
        )
    if not has_decoder:
        said.append("The file holds no decoder: it starts at random and has to be learnt anew.")
    return ForPretraining(kept, has_decoder, tuple(said))
