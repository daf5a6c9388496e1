"""Choose the old cases that every new model is held against: a model's test and validation pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from vmcore.data import load_prepared, load_study, pixel_digest
from vmcore.imaging import to_model_pixels
from vmcore.runs.access import require
from vmcore.runs.case_images import FindImage
from vmcore.runs.errors import RunError
from vmcore.runs.folder import RunFolder, runs_folder
from vmcore.runs.model_in_use import BUNDLED
from vmcore.runs.regression_set import (
    Picture,
    RegressionSet,
    keep_regression_set,
    read_regression_set,
)
from vmcore.runs.reviewing import open_reviewed

MOST_CASES = 100
_IMAGES = "images.txt"
_Found = tuple[int, Picture, str]
"""A label, prepared pixels (224, 224, 3), and the digest of the original file or ""."""
_Find = Callable[[str], tuple[Picture, str] | None]
"""From a case's name in the predictions to the latter two; None where the picture is not here."""


def choose_regression_set(
    key: str, *, most: int = MOST_CASES, seed: int = 0, replace: bool = False
) -> RegressionSet:
    """Keep copies of a model's test and validation cases, up to half of ``most`` of either class.

    Test cases come first, since the model itself has not learnt from them; among each they are drawn.

    Args:
        key: a finished run, or "bundled".
        most: how many cases at the most.
        seed: of the draw.
        replace: give up the cases that are kept now.

    Raises:
        RunError: there are cases already, none of the model's pictures is on this machine, or both
            classes are not among them.
        ManifestError, BundleError, PredictionsError: the model or its study cannot be read.
    """
    require("release")
    if not replace and read_regression_set() is not None:
        raise RunError("Old cases are kept already; they stay the same so that models compare.")
    reviewed = open_reviewed(key)
    asked: list[tuple[str, int]] = []
    generator = np.random.default_rng(seed)
    for split in reversed(reviewed.predictions.splits()):
        cases = reviewed.predictions.cases(split)
        order = generator.permutation(len(cases))
        names = cases.known["image"].astype(str)
        asked += [(names.iloc[row], int(cases.labels[row])) for row in order]
    find = _of_bundle(reviewed.find_image) if key == BUNDLED else _of_run(key)
    found = _balanced(asked, find, most)
    if len({label for label, _, _ in found}) < 2:
        raise RunError(
            "Not enough of the model's test and validation pictures are on this machine: old cases of "
            "both classes are needed. Take a run whose study is here."
        )
    return keep_regression_set(found, reviewed.card.name if reviewed.card else reviewed.name)


def _of_bundle(find_image: FindImage) -> _Find:
    def find(case: str) -> tuple[Picture, str] | None:
        image = find_image(case)
        return None if image is None else (to_model_pixels(image), "")

    return find


def _of_run(run_id: str) -> _Find:
    """A run's pictures as they were prepared; those that were rejected since are left out."""
    folder = RunFolder(runs_folder() / run_id)
    if not folder.marked(_IMAGES):
        raise RunError("This run keeps no digests of its images; take one that was made later.")
    study = load_study(folder.cross_validation().study)
    rows = {digest: row for row, digest in enumerate(study.source_digests())}
    sources = (folder.path / _IMAGES).read_text().splitlines()

    def find(case: str) -> tuple[Picture, str] | None:
        source = sources[int(case) - 1]
        if source not in rows:
            return None
        table = study.table.iloc[[rows[source]]]
        (pixels,) = load_prepared(table, study.folder / "prepared")
        return np.ascontiguousarray(pixels.transpose(1, 2, 0)), source

    return find


def _balanced(asked: Iterable[tuple[str, int]], find: _Find, most: int) -> list[_Found]:
    """The first half of ``most`` of either class that are here; no picture twice."""
    chosen: dict[str, _Found] = {}
    room = {0: most // 2, 1: most - most // 2}
    for case, label in asked:
        found = find(case) if room[label] else None
        if found is None:
            continue
        image, source = found
        digest = pixel_digest(image.transpose(2, 0, 1))
        if digest not in chosen:
            chosen[digest] = (label, image, source)
            room[label] -= 1
    return list(chosen.values())
