"""Pictures of what a pretraining draws: images above, what it sees of them, and what it makes of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from vmcore.files import write_atomically
from vmcore.runs.folder import RunFolder

if TYPE_CHECKING:
    from vmcore.models import MaskedAutoencoder

SHOWN = 6
_PICTURES = 12
_GAP = 4  # pixels
_NAME = re.compile(r"epoch-(\d+)\.png")


def due_after(epochs: int) -> frozenset[int]:
    """After how many epochs a picture is made: before the first, after the last, evenly between."""
    return frozenset(int(count) for count in np.linspace(0, epochs, _PICTURES).round())


def write_reconstruction(
    folder: RunFolder,
    model: MaskedAutoencoder,
    images: npt.NDArray[np.uint8],
    mask_ratio: float,
    *,
    after: int,
) -> Path:
    """Write ``reconstructions/epoch-NNN.png``: prepared pixels alone, with no word in them.

    Args:
        folder: the run.
        model: as it is now.
        images: uint8 (n, 224, 224), prepared and cleaned.
        mask_ratio: share of patches that are hidden, the same ones each time.
        after: how many epochs it has learnt for.
    """
    from vmcore.training import reconstruct  # noqa: PLC0415  with torch; to look at pictures takes less

    made = reconstruct(model, images, mask_ratio)
    rows = (made.original, made.masked, made.reconstructed)
    grid = cv2.vconcat([cv2.hconcat([_framed(one) for one in row]) for row in rows])
    _, png = cv2.imencode(".png", grid)
    return write_atomically(folder.path / f"reconstructions/epoch-{after:03d}.png", png.tobytes())


def reconstructions(folder: RunFolder) -> dict[int, Path]:
    """A run's pictures by the epochs that were learnt for, in their order."""
    place = folder.path / "reconstructions"
    files = place.iterdir() if place.is_dir() else ()
    found = {int(match[1]): file for file in files if (match := _NAME.fullmatch(file.name))}
    return dict(sorted(found.items()))


def _framed(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    framed: npt.NDArray[np.uint8] = cv2.copyMakeBorder(
        image, 0, _GAP, 0, _GAP, cv2.BORDER_CONSTANT, value=0
    ).astype(np.uint8)
    return framed
