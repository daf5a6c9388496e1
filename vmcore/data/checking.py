"""Look a study over before anything is learnt from it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd

from vmcore.data.manifest import label_numbers

_SIDE = 32
_ALIKE = 0.985  # correlation of 32 x 32 thumbnails above which two images show the same
_ROWS_AT_ONCE = 1024
_SUFFIX = re.compile(r"\.(dcm|dicom|png|jpe?g|bmp|tiff?|webp)$", re.IGNORECASE)
_COUNTER = re.compile(
    r"(?:[ _.-]*\(?(?<!\d)\d{1,6}\)?(?:[ _.-]*of[ _.-]*\d+)?|(?:[ _.-]+|(?<=\d))[a-z])$",
    re.IGNORECASE,
)


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


def series_names(paths: Sequence[str]) -> int:
    """How many images have a name that suggests that another one is of the same fetus.

    Such names have the same stem before a counter at their end: ``case12_a`` and ``case12_b``,
    ``P7_1_of_2`` and ``P7_2_of_2``. A stem without a digit that most names of a folder have, such as
    ``IMG`` in ``IMG_0001``, only numbers the images and suggests nothing.
    """
    stems = [_stem(path) for path in paths]
    folders = [str(PurePosixPath(path).parent) for path in paths]
    sizes, here = Counter(folders), Counter(zip(folders, stems, strict=True))
    numbering = {
        stem
        for (folder, stem), count in here.items()
        if not any(sign.isdigit() for sign in stem) and 2 * count > sizes[folder]
    }
    together = Counter(stem for stem in stems if stem and stem not in numbering)
    return sum(count for count in together.values() if count > 1)


def _stem(path: str) -> str:
    """A file's name without suffix and counter; empty where it is nothing but a counter."""
    name = _SUFFIX.sub("", PurePosixPath(path).name)
    stem = _COUNTER.sub("", name)
    return stem.casefold() if stem != name else ""
