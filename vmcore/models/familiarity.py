"""Is an image like those that a model learnt from?

Two measures, both on the model's own embedding. A distance to the nearest training images catches
photographs and other modalities. Organs scanned by the same machines lie close by, so a linear
score, fitted with such organs as counter-examples, tells heads from them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

NEIGHBOURS = 5


@dataclass(frozen=True, slots=True)
class Familiarity:
    """What is kept to judge familiarity, for F folds and D-dimensional embeddings.

    Attributes:
        known: (F, N, D), training images, standardised.
        centre, scale: (F, D), mean and deviation of the training images.
        weight: (F, D), bias: (F,), linear score of being something else than a fetal head.
        distance_limit, score_limit: scalars; beyond either an image is unfamiliar.
    """

    known: Tensor
    centre: Tensor
    scale: Tensor
    weight: Tensor
    bias: Tensor
    distance_limit: Tensor
    score_limit: Tensor

    def strangeness(self, embeddings: Tensor) -> npt.NDArray[np.float64]:
        """How strange images are: up to 1 is familiar.

        Args:
            embeddings: (F, B, D).

        Returns:
            (B,), the distance or the score, whichever lies further beyond its limit; the distance
            as a multiple of its limit, the score as 1 plus its excess.
        """
        standard = (embeddings.float() - self.centre[:, None]) / self.scale[:, None]
        far = nearest_distance(standard, self.known) / float(self.distance_limit)
        other = linear_score(standard, self.weight, self.bias) - float(self.score_limit)
        return np.maximum(far, 1 + other)

    def save(self, path: Path) -> None:
        """Write as safetensors; the embeddings in half precision."""
        tensors = {field.name: getattr(self, field.name).contiguous() for field in fields(self)}
        save_file({**tensors, "known": self.known.half().contiguous()}, path)

    @classmethod
    def load(cls, path: Path) -> Familiarity:
        """Read what :meth:`save` wrote."""
        return cls(**{name: value.float() for name, value in load_file(path).items()})


def nearest_distance(standard: Tensor, known: Tensor) -> npt.NDArray[np.float64]:
    """Root mean square distance per dimension to the 5 nearest, averaged over folds, (B,)."""
    apart = torch.cdist(standard.float(), known.float()) / standard.shape[-1] ** 0.5
    nearest = apart.topk(min(NEIGHBOURS, known.shape[1]), dim=-1, largest=False).values
    return nearest.mean(dim=(0, 2)).double().cpu().numpy()


def linear_score(standard: Tensor, weight: Tensor, bias: Tensor) -> npt.NDArray[np.float64]:
    """Mean over folds of the linear scores, (B,)."""
    each = torch.einsum("fbd,fd->fb", standard.float(), weight.float()) + bias[:, None]
    return each.mean(dim=0).double().cpu().numpy()
