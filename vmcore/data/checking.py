"""Look a study over before anything is learnt from it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd

from vmcore.data.manifest import label_numbers

_SIDE = 32
_ALIKE = 0.985  # correlation of 32 x 32 thumbnails above which two images show the same
_ROWS_AT_ONCE = 1024


@dataclass(frozen=True, slots=True)
class Twins:
    """Two images that show the same, exactly or nearly, by manifest row."""

    first: int
    second: int
    exact: bool
    correlation: float


def find_twins(images: npt.NDArray[np.uint8], alike: float = _ALIKE) -> list[Twins]:
    """Find pairs of images that are the same or nearly so.

    Args:
        images: uint8 (N, 3, 224, 224).
        alike: correlation of thumbnails (local mean removed) from which a pair counts.

    Returns:
        pairs with ``first < second``, the most alike first.
    """
    if len(images) < 2:
        return []
    small = np.stack(
        [
            cv2.resize(image.mean(axis=0), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
            for image in images
        ]
    ).astype(np.float32)
    # brightness that changes slowly over the picture is alike in all scans: leave it out
    detail = np.stack([one - cv2.GaussianBlur(one, (0, 0), _SIDE / 5) for one in small])
    flat = detail.reshape(len(images), -1)
    flat -= flat.mean(axis=1, keepdims=True)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
    pairs = []
    for start in range(0, len(flat), _ROWS_AT_ONCE):
        block = flat[start : start + _ROWS_AT_ONCE] @ flat.T
        for row, column in np.argwhere(block >= alike):
            first, second = start + int(row), int(column)
            if first < second:
                exact = bool(np.array_equal(images[first], images[second]))
                pairs.append(Twins(first, second, exact, float(block[row, column])))
    return sorted(pairs, key=lambda pair: (not pair.exact, -pair.correlation))


def class_counts(table: pd.DataFrame) -> pd.DataFrame:
    """Images and subjects by class: columns label, images, subjects."""
    labels = np.array(["normal", "ventriculomegaly"])[label_numbers(table)]
    grouped = table.assign(label=labels).groupby("label", as_index=False)
    return grouped.agg(images=("path", "size"), subjects=("subject_id", "nunique"))


def two_faced_subjects(table: pd.DataFrame) -> list[str]:
    """Subjects with images of both classes (possible, but mostly a mistake in the list)."""
    numbers = pd.Series(label_numbers(table), index=table.index)
    kinds = numbers.groupby(table["subject_id"].astype(str)).nunique()
    return [str(subject) for subject in kinds.index[kinds > 1]]
