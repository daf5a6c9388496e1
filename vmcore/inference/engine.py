"""What runs a bundle's networks: OpenVINO on a processor, torch on a graphics card."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]


class ForwardOutput(NamedTuple):
    """What one forward pass of a network gives for a batch, all of it float32.

    logits (B, 2); activations (B, C, h, w), which the heatmap is made of: patch tokens of a
    transformer, or the last convolution's map; embedding (B, D), mean and deviation of the last
    features over positions, and what a transformer's head reads (class token or mean, after its norm).

    A class-token head reads nothing of the patches that the last block puts out: what they were
    before it, as keys and values of its attention (after its first norm), is the last that the verdict
    depends on. A head that reads the patches' mean depends on just what the last block puts out.
    """

    logits: Array
    activations: Array
    embedding: Array


class Engine(Protocol):
    """The networks of an ensemble, ready to answer."""

    def forward(self, batch: Array) -> list[ForwardOutput]:
        """Run every network once on (B, 3, 224, 224), normalised."""

    def only(self, index: int) -> Engine:
        """One network alone, counted from 0, which shares its weights with this engine."""


def patches_as_map(patches: Array) -> Array:
    """Patch tokens (B, N, C) as a map (B, C, h, w) of a square picture."""
    side = round(patches.shape[1] ** 0.5)
    return patches.transpose(0, 2, 1).reshape(len(patches), -1, side, side)


def embedding(features: Array, tokens: Sequence[Array] = ()) -> Array:
    """Mean and deviation of features (B, N, C) over their positions, and what else is given."""
    return np.concatenate([features.mean(axis=1), features.std(axis=1, ddof=1), *tokens], axis=1)
