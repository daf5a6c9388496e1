"""Is this image like those that the model learnt from?"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

NEIGHBOURS = 5


def distances(embeddings: Tensor, known: Tensor) -> npt.NDArray[np.float64]:
    """Mean distance to the nearest training images, averaged over folds.

    Args:
        embeddings: (F, B, D), images to judge, by fold.
        known: (F, N, D), training images, N >= 5.

    Returns:
        (B,), 0 (the same direction) to 2: one minus the cosine, mean of the 5 nearest.
    """
    asked = functional.normalize(embeddings.float(), dim=-1)
    stored = functional.normalize(known.float(), dim=-1)
    similarity = torch.einsum("fbd,fnd->fbn", asked, stored)
    nearest = similarity.topk(min(NEIGHBOURS, known.shape[1]), dim=-1).values
    return (1 - nearest).mean(dim=(0, 2)).double().cpu().numpy()
