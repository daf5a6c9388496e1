"""Position embeddings of vision transformers: of which kind they are, and for another grid of patches."""

from __future__ import annotations

from collections.abc import Mapping
from math import isqrt
from typing import Literal

import torch
from timm.layers import resample_abs_pos_embed
from torch import Tensor

from vmcore.models.masked_autoencoder import sine_cosine_positions

Positions = Literal["sine-cosine", "learnt", "none"]
_ROUNDING = 0.01
"""bfloat16 keeps numbers up to 1 within 0.004."""


def grid_of(table: Tensor) -> int | None:
    """Patches on a side of the square that a table (1, 1 + n², width) is for; None for another form."""
    if table.ndim != 3 or table.shape[0] != 1 or table.shape[1] < 2:
        return None
    side = isqrt(table.shape[1] - 1)
    return side if side * side == table.shape[1] - 1 else None


def kind_of(table: Tensor | None) -> Positions:
    """Whether a table (1, 1 + n², width) is the fixed one of sines and cosines, or was learnt."""
    grid = None if table is None else grid_of(table)
    if table is None or grid is None:
        return "none" if table is None else "learnt"
    width = table.shape[2]
    if width % 4:
        return "learnt"
    fixed = torch.from_numpy(sine_cosine_positions(grid, width)).float()
    return "sine-cosine" if (table[0].float() - fixed).abs().max() < _ROUNDING else "learnt"


def for_grid(state: Mapping[str, Tensor], grid: int, *names: str) -> tuple[dict[str, Tensor], str]:
    """Bring position embeddings to another number of patches, as timm does.

    timm resamples them as a picture, bicubic with anti-aliasing; the class token's stays as it is.

    Args:
        state: parameters by name; not changed.
        grid: patches on a side that are wanted.
        names: of the tables; those that are absent, of this grid or of another form stay.

    Returns:
        the parameters, and a sentence where something was resampled, else "".
    """
    changed, said = dict(state), ""
    for name in names:
        found = grid_of(state[name]) if name in state else None
        if found is None or found == grid:
            continue
        table = state[name].float()
        changed[name] = resample_abs_pos_embed(table, [grid, grid]).to(state[name].dtype)
        said = said or (
            f"The file's position embeddings are for {found} x {found} patches; they are "
            f"interpolated (bicubic, as timm does) to {grid} x {grid}."
        )
    return changed, said
