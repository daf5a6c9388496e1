"""Eigen-CAM from activations that the forward pass has made anyway.

Muhammad and Yeasin 2020: the projection of every position's activation on the activations' first
principal component. Its sign is arbitrary; here the stronger side is positive (Chung and Ying
2025, Eq. 13), so that it does not flip between runs.
"""

from __future__ import annotations

import threading
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh
from threadpoolctl import ThreadpoolController

from vmcore.models.architectures import ARCHITECTURES

_one_limits = threading.Lock()

Heatmap = npt.NDArray[np.float32]

HEATMAP_NAMES = {
    "eigen-cam": "Eigen-CAM",
    "grad-cam": "Grad-CAM",
    "grad-cam++": "Grad-CAM++",
    "eigen-grad-cam": "Eigen-Grad-CAM",
    "layer-cam": "Layer-CAM",
    "hires-cam": "HiRes-CAM",
    "score-cam": "Score-CAM",
}
"""How people write the methods."""

HEATMAP_METHODS = tuple(HEATMAP_NAMES)
"""Eigen-CAM is the paper's and comes with the answer; those by gradients are pytorch-grad-cam's own."""

MOST_SCORE_CAM_CHANNELS = 256
"""Score-CAM runs a network once a channel: above this nobody would wait for it on a processor."""


def offered_methods(architecture: str) -> tuple[str, ...]:
    """Which of :data:`HEATMAP_METHODS` are offered for a network: Score-CAM for small ones alone.

    Args:
        architecture: a key of :data:`vmcore.models.ARCHITECTURES`.
    """
    width = ARCHITECTURES[architecture].width  # none for convolutions, which have 512 or more
    cheap = width is not None and width <= MOST_SCORE_CAM_CHANNELS
    return tuple(method for method in HEATMAP_METHODS if cheap or method != "score-cam")


def eigen_cam(features: npt.NDArray[np.float32], side: int) -> Heatmap:
    """First principal component of activations, scaled to a square map.

    The component is taken from the Gram matrix over positions (196 x 196 for a ViT) instead of a
    full singular value decomposition over channels: the same projection, far cheaper.

    Args:
        features: (C, h, w).
        side: side of the map in pixels.

    Returns:
        float32 (side, side) in [0, 1].
    """
    _, height, width = features.shape
    flat = features.reshape(len(features), -1)
    centred = flat - flat.mean(axis=1, keepdims=True)
    last = height * width - 1
    # on such matrices more threads only disturb; the limit is the whole process's
    with _one_limits, _blas().limit(limits=1, user_api="blas"):
        values, vectors = eigh(centred.T @ centred, subset_by_index=(last, last))
    projection = vectors[:, 0] * np.sqrt(max(values[0], 0))
    if abs(projection.min()) > abs(projection.max()):
        projection = -projection
    small = np.maximum(projection.reshape(height, width), 0).astype(np.float32)
    large = cv2.resize(_scaled(small), (side, side), interpolation=cv2.INTER_LINEAR)
    return _scaled(large)


@lru_cache(maxsize=1)
def _blas() -> ThreadpoolController:
    return ThreadpoolController()


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
