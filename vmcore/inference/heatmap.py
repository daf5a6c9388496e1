"""Eigen-CAM from activations that the forward pass has made anyway.

Muhammad and Yeasin 2020: the projection of every position's activation on the activations' first
principal component. Its sign is arbitrary; here the stronger side is positive (Chung and Ying
2025, Eq. 13), so that it does not flip between runs.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

_SQUARINGS = 7
_RESIDUAL = 1e-5  # of the eigenvalue

Heatmap = npt.NDArray[np.float32]

HEATMAP_METHODS = (
    "eigen-cam",
    "grad-cam",
    "grad-cam++",
    "eigen-grad-cam",
    "layer-cam",
    "hires-cam",
)
"""Eigen-CAM is the paper's and comes with the answer; the others are pytorch-grad-cam's own."""


def eigen_cam(features: Tensor, side: int) -> Heatmap:
    """First principal component of activations, scaled to a square map.

    The component is taken from the Gram matrix over positions (196 x 196 for a ViT) instead of a
    full singular value decomposition over channels: the same projection, far cheaper.

    Args:
        features: (C, h, w), any floating point type.
        side: side of the map in pixels.

    Returns:
        float32 (side, side) in [0, 1].
    """
    _, height, width = features.shape
    flat = features.detach().float().cpu().flatten(1)
    centred = flat - flat.mean(dim=1, keepdim=True)
    value, vector = leading_pair(centred.T @ centred)
    projection = (vector * value.clamp(min=0).sqrt()).numpy()
    if abs(projection.min()) > abs(projection.max()):
        projection = -projection
    small = np.maximum(projection.reshape(height, width), 0).astype(np.float32)
    large = cv2.resize(_scaled(small), (side, side), interpolation=cv2.INTER_LINEAR)
    return _scaled(large)


def leading_pair(gram: Tensor) -> tuple[Tensor, Tensor]:
    """Largest eigenvalue and its eigenvector of a matrix without negative eigenvalues.

    Squared again and again, such a matrix turns into the leading vector's outer product with
    itself: far cheaper than a full decomposition, which is made only where two eigenvalues lie too
    close together.

    Args:
        gram: float32 (n, n), symmetric.
    """
    power = gram
    for _ in range(_SQUARINGS):
        power = power / power.trace()
        power = power @ power
    column = power[:, power.diagonal().argmax()]
    vector = column / column.norm()
    image = gram @ vector
    value = vector @ image
    if (image - value * vector).norm() <= _RESIDUAL * value:
        return value, vector
    values, vectors = torch.linalg.eigh(gram)
    return values[-1], vectors[:, -1]


def mean_map(maps: list[Heatmap], shape: tuple[int, int]) -> Heatmap:
    """Average square maps and lay them over an image of ``shape`` (height, width).

    Model input is the whole image squeezed into a square, so stretching the map back to the
    image's own height and width puts every value over the pixels that it is about.
    """
    mean = np.mean(maps, axis=0, dtype=np.float32)
    placed = cv2.resize(mean, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    return _scaled(placed)


def _scaled(values: Heatmap) -> Heatmap:
    shifted = values - values.min()
    return (shifted / (1e-7 + shifted.max())).astype(np.float32)
