"""Who the anatomy model learns from, and who it is only measured on.

Outlined atria are rare, so every one is measured out of fold. Everything else that is measured
(heads, planes, other organs) comes from subjects that neither the base nor any fold has seen.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from vmcore.training.outlined import OutlinedPicture

OUTLINED = "head-structures"
_HELD_BACK = 4  # of ten subjects without an outlined atrium
_MOST_MEASURED = 400  # pictures of a set


def outlined_subjects(pictures: Sequence[OutlinedPicture]) -> set[str]:
    """Subjects of whom an atrium is outlined by experts, whatever set else they are in."""
    return {one.subject_id for one in pictures if one.source == OUTLINED}


def is_held_back(picture: OutlinedPicture) -> bool:
    """Whether a subject without an outlined atrium is only measured on; by its name, for good."""
    return zlib.crc32(picture.subject_id.encode()) % 10 < _HELD_BACK


def for_base(pictures: Sequence[OutlinedPicture]) -> list[OutlinedPicture]:
    """What every fold may start from: no subject that anything is measured on."""
    outlined = outlined_subjects(pictures)
    return [one for one in pictures if one.subject_id not in outlined and not is_held_back(one)]


def folds(
    pictures: Sequence[OutlinedPicture], count: int, seed: int
) -> list[tuple[list[OutlinedPicture], list[OutlinedPicture]]]:
    """For each fold what it learns from, and the outlined heads that it is measured on."""
    order = np.random.default_rng(seed).permutation(sorted(outlined_subjects(pictures)))
    parts = [set(order[number::count].tolist()) for number in range(count)]
    base = for_base(pictures)
    every = set(order.tolist())
    return [
        (
            [*base, *(one for one in pictures if one.subject_id in every - part)],
            [one for one in pictures if one.subject_id in part and one.source == OUTLINED],
        )
        for part in parts
    ]


def held_back(pictures: Sequence[OutlinedPicture]) -> list[OutlinedPicture]:
    """Everything else that is only measured on, at most 400 pictures of a set."""
    outlined = outlined_subjects(pictures)
    held = [one for one in pictures if one.subject_id not in outlined and is_held_back(one)]
    sets = sorted({one.source for one in held})
    return [one for name in sets for one in [x for x in held if x.source == name][:_MOST_MEASURED]]
