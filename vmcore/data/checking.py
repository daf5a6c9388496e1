"""Look a study over before anything is learnt from it."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import minimum_spanning_tree

from vmcore.data.manifest import label_numbers, subjects_known

_SIDE = 32
_ALIKE = 0.985  # correlation of 32 x 32 thumbnails above which two images show the same
_SAME = 0.5  # the weight of an edge between copies
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
    """Find images that are the same or nearly so.

    Args:
        images: uint8 (N, 3, 224, 224).
        alike: correlation of thumbnails (local mean removed) from which a pair counts.

    Returns:
        pairs with ``first < second``, the most alike first. Of images that all show the same, each is in a
        pair with one of the others, not with every one: a loop's frames would be thousands of pairs.
    """
    if len(images) < 2:
        return []
    known = [hashlib.sha256(np.ascontiguousarray(image).tobytes()).digest() for image in images]
    _, copied, group = np.unique(known, return_index=True, return_inverse=True)
    later = np.flatnonzero(copied[group] != np.arange(len(images)))
    edges = [(copied[group][later], later, np.full(len(later), _SAME))]
    flat = _details(images)
    for start in range(0, len(flat), _ROWS_AT_ONCE):
        block = flat[start : start + _ROWS_AT_ONCE] @ flat.T
        rows, columns = np.nonzero(block >= alike)
        near = (start + rows < columns) & (group[start + rows] != group[columns])
        rows, columns = rows[near], columns[near]
        # lighter where more alike, and heavier than what is the same
        edges.append((start + rows, columns, 2.0 * _SAME + 1.0 - block[rows, columns]))
    first, second, weight = (np.concatenate(parts) for parts in zip(*edges, strict=True))
    size = (len(images), len(images))
    tree = minimum_spanning_tree(coo_array((weight, (first, second)), shape=size)).tocoo()
    pairs = [
        Twins(min(row, column), max(row, column), bool(group[row] == group[column]), _alike(flat, row, column))
        for row, column in zip(tree.row.tolist(), tree.col.tolist(), strict=True)
    ]  # fmt: skip
    return sorted(pairs, key=lambda pair: (not pair.exact, -pair.correlation))


def _details(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Thumbnails (N, 1024) of length one, without brightness that changes slowly: that is alike in all scans."""
    small = np.stack(
        [
            cv2.resize(image.mean(axis=0), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
            for image in images
        ]
    ).astype(np.float32)
    detail = np.stack([one - cv2.GaussianBlur(one, (0, 0), _SIDE / 5) for one in small])
    flat = detail.reshape(len(images), -1)
    flat -= flat.mean(axis=1, keepdims=True)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
    return np.asarray(flat, np.float32)


def _alike(flat: npt.NDArray[np.float32], row: int, column: int) -> float:
    return float(flat[row] @ flat[column])


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


def told_by(table: pd.DataFrame) -> dict[str, object]:
    """What a study's table alone tells, by the names that :class:`StudyReport` gives it."""
    unnamed = table[~subjects_known(table)]
    counts = class_counts(table).to_dict("records")
    return {
        "counts": [{str(key): value for key, value in row.items()} for row in counts],
        "two_faced": two_faced_subjects(table),
        "unknown_subjects": len(unnamed),
        "unknown_groups": int(unnamed["subject_id"].nunique()),
        "series_names": series_names(unnamed["path"].tolist()),
    }


def without_images(
    twins: Iterable[tuple[str, str, bool, bool]],
    gone: Collection[str],
    subjects: Mapping[str, object],
) -> list[tuple[str, str, bool, bool]]:
    """Pairs as a study's report has them, of the images that are left.

    What was alike by an image that is gone is still: its partners are paired with each other.

    Args:
        twins: first, second, whether exactly the same, whether of different subjects.
        gone: paths of images that are taken out.
        subjects: of each image.
    """
    pairs = {(first, second): exact for first, second, exact, _ in twins}
    for path in gone:
        beside = [(pair, exact) for pair, exact in pairs.items() if path in pair]
        others = [(pair[pair[0] == path], exact) for pair, exact in beside]
        for pair, _ in beside:
            del pairs[pair]
        # copies first: what is alike by a copy is as much alike by another one
        others.sort(key=lambda one: not one[1])
        for other, exact in others[1:]:
            pairs[others[0][0], other] = exact and others[0][1]
    return [
        (first, second, exact, subjects[first] != subjects[second])
        for (first, second), exact in pairs.items()
    ]


def two_labels(table: pd.DataFrame, twins: Iterable[tuple[str, str, bool, bool]]) -> int:
    """How many pairs of images that are exactly the same have different labels."""
    label = dict(zip(table["path"], label_numbers(table).tolist(), strict=True))
    return sum(exact and label[first] != label[second] for first, second, exact, _ in twins)


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
