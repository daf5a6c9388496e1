"""Out-of-distribution detection: is an image like those that a model learnt from?

Two measures, both on the model's own embedding. A distance to the nearest training images catches
photographs and other modalities (Sun et al. 2022, deep nearest neighbours). Organs scanned by the same
machines lie close by, so a linear score, fitted with such organs as counter-examples, tells heads from
them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from vmcore.models.errors import BundleError

NEIGHBOURS = 5
_FILE = "ood.safetensors"
_FORMER_FILE = "familiarity.safetensors"

Embeddings = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class OodDetector:
    """What is kept to judge images, for F folds and D-dimensional embeddings; float32 arrays.

    Attributes:
        known: (F, N, D), training images, standardised.
        centre, scale: (F, D), mean and deviation of the training images.
        weight: (F, D), bias: (F,), linear score of being something else than a fetal head.
        distance_limit, score_limit: scalars; beyond either an image is out of distribution.
    """

    known: Embeddings
    centre: Embeddings
    scale: Embeddings
    weight: Embeddings
    bias: Embeddings
    distance_limit: Embeddings
    score_limit: Embeddings

    def score(self, embeddings: Embeddings) -> npt.NDArray[np.float64]:
        """How far from the training images: up to 1 is in distribution.

        Args:
            embeddings: (F, B, D).

        Returns:
            (B,), the distance or the linear score, whichever lies further beyond its limit; the
            distance as a multiple of its limit, the score as 1 plus its excess.
        """
        standard = (embeddings - self.centre[:, None]) / self.scale[:, None]
        far = nearest_distance(standard, self.known) / float(self.distance_limit)
        other = linear_score(standard, self.weight, self.bias) - float(self.score_limit)
        return np.maximum(far, 1 + other)

    def save(self, folder: Path) -> None:
        """Write into a bundle's folder, as safetensors; the embeddings in half precision."""
        halved = {"known": np.float16}
        arrays = {  # in C order, which the format takes for granted
            field.name: np.asarray(
                getattr(self, field.name), halved.get(field.name, np.float32), order="C"
            )
            for field in fields(self)
        }
        save_file(arrays, folder / _FILE)


def load_ood_detector(folder: str | Path, folds: int) -> OodDetector | None:
    """A bundle's detector, or None where it has none.

    Args:
        folder: the bundle.
        folds: how many the bundle has.

    Raises:
        BundleError: the file is damaged, of other folds, or holds limits that no image could be held to.
    """
    files = (Path(folder) / name for name in (_FILE, _FORMER_FILE))
    path = next((file for file in files if file.is_file()), None)
    if path is None:
        return None
    try:
        found = OodDetector(
            **{name: np.asarray(values, np.float32) for name, values in load_file(path).items()}
        )
        _check(found, folds)
    except (SafetensorError, TypeError, ValueError) as error:
        raise BundleError(f"The bundle's {path.name} is damaged.") from error
    return found


def _check(detector: OodDetector, folds: int) -> None:
    """Raise ValueError for arrays of other shapes than they must have, or values that judge nothing."""
    _, count, width = detector.known.shape
    shapes = {
        "known": (folds, count, width), "centre": (folds, width), "scale": (folds, width),
        "weight": (folds, width), "bias": (folds,), "distance_limit": (), "score_limit": (),
    }  # fmt: skip
    for name, shape in shapes.items():
        values = getattr(detector, name)
        if values.shape != shape or not np.isfinite(values).all():
            raise ValueError(name)
    if count < 1 or not (detector.scale > 0).all() or not detector.distance_limit > 0:
        raise ValueError("limits")


def nearest_distance(standard: Embeddings, known: Embeddings) -> npt.NDArray[np.float64]:
    """Root mean square distance per dimension to the 5 nearest, averaged over folds, (B,)."""
    here, there = standard.astype(np.float64), known.astype(np.float64)
    squares = np.square(here).sum(-1)[:, :, None] + np.square(there).sum(-1)[:, None]
    apart = np.sqrt(np.maximum(squares - 2 * here @ there.transpose(0, 2, 1), 0))
    nearest = np.sort(apart, axis=-1)[..., :NEIGHBOURS]
    return np.asarray(nearest.mean(axis=(0, 2)) / standard.shape[-1] ** 0.5, np.float64)


def linear_score(
    standard: Embeddings, weight: Embeddings, bias: Embeddings
) -> npt.NDArray[np.float64]:
    """Mean over folds of the linear scores, (B,)."""
    each = np.einsum("fbd,fd->fb", standard.astype(np.float64), weight) + bias[:, None]
    return np.asarray(each.mean(axis=0), np.float64)
