"""Digests of prepared pixels, by which an image is known again under whatever name."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd

from vmcore.data.preparing import load_prepared


def pixel_digest(image: npt.NDArray[np.uint8]) -> str:
    """SHA-256 of a prepared image, uint8 (3, 224, 224), by which it is known again."""
    return hashlib.sha256(np.ascontiguousarray(image).tobytes()).hexdigest()


def to_grey(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Grey values of an RGB image, uint8 (H, W, 3) to (H, W)."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))


def grey_digest(grey: npt.NDArray[np.uint8]) -> str:
    """:func:`pixel_digest` of a grey image, uint8 (H, W), repeated to three channels."""
    return pixel_digest(np.repeat(grey[None], 3, axis=0))


@lru_cache(maxsize=200_000)
def prepared_digests(
    folder: Path, path: str, inode: int, changed_ns: int, size: int
) -> tuple[str, str]:
    """Digests of a prepared image and of its grey values; the same one twice where it has no colour.

    Args:
        folder: of prepared images.
        path: the image's in the study.
        inode: of its file; with the next two a file that has changed is another one.
        changed_ns: when its file was changed.
        size: of its file.
    """
    del inode, changed_ns, size
    (image,) = load_prepared(pd.DataFrame({"path": [path]}), folder)
    return pixel_digest(image), grey_digest(to_grey(image.transpose(1, 2, 0).copy()))
