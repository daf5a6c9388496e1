"""Pairs of a study's normal heads, made from the original files once for a run and all of its folds."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from functools import lru_cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from filelock import FileLock

from vmcore.anatomy import AnatomyError
from vmcore.data import Splits, StoredStudy, label_numbers
from vmcore.data.originals import read_original
from vmcore.files import replacing
from vmcore.imaging import CleaningSettings, ScanError
from vmcore.runs.errors import RunError
from vmcore.runs.folder import RunFolder
from vmcore.training import PairedHeads, Stopped, model_pair

if TYPE_CHECKING:
    from vmcore.anatomy import AnatomyModel

log = logging.getLogger(__name__)
_FILE, _LOCK = "pairs.npz", "pairs.lock"
_EVERY = 50  # heads between two lines in the log
_WORTH_A_PROCESS = 50  # heads: fewer are done sooner than another process is up

Pair = npt.NDArray[np.uint8]


def paired_heads(folder: RunFolder, study: StoredStudy, splits: Splits) -> PairedHeads:
    """The pairs of a run: those that were made for it, or made now.

    Whichever of a run's processes comes first makes them, the others wait. Test images have none.

    Raises:
        Stopped: the run was cancelled meanwhile.
        RunError: there is no anatomy model, or no pair could be made.
    """
    with FileLock(folder.path / _LOCK):
        if not (folder.path / _FILE).is_file():
            _make(folder, study, splits)
    return read_pairs(folder)


def forget_pairs(folder: RunFolder) -> None:
    """Remove the pairs of a run that is done: they are pictures of people."""
    for name in (_FILE, _LOCK):
        (folder.path / name).unlink(missing_ok=True)


def check_originals(study: StoredStudy) -> None:
    """Make sure, before a run is started, that there is something to make pairs from.

    Raises:
        RunError: none of the original files is there any more.
    """
    if not study.has_originals():
        raise RunError(
            "Pairs are made from a study's original files, and none of them is there any more (those of a "
            "study that came as a zip are deleted when it is ready). Start a run without pairs."
        )


def read_pairs(folder: RunFolder) -> PairedHeads:
    """The pairs that were made for a run.

    Raises:
        RunError: they are damaged.
    """
    try:
        with np.load(folder.path / _FILE) as content:
            return PairedHeads(content["rows"], content["images"])
    except (OSError, ValueError, KeyError) as error:
        raise RunError(
            "The run's pairs are damaged; start a new run with the same plan."
        ) from error


def _make(folder: RunFolder, study: StoredStudy, splits: Splits) -> None:
    try:
        _anatomy_model()
    except AnatomyError as error:
        raise RunError(f"No pairs can be made: {error}") from error
    normal = np.flatnonzero(label_numbers(study.table) == 0)
    rows = np.setdiff1d(normal, splits.test)
    paths, sources = study.table["path"].astype(str).tolist(), study.source_digests()
    task = partial(_pair, root=study.originals, settings=study.report.cleaning)
    made: list[tuple[int, Pair]] = []
    gone = 0
    wanted = [(paths[row], sources[row]) for row in rows]
    with closing(_run(task, wanted)) as results:
        for done, (row, (there, pair)) in enumerate(zip(rows, results, strict=True), start=1):
            if folder.marked("cancelled"):
                raise Stopped
            gone += not there
            if pair is not None:
                made.append((int(row), pair))
            if done % _EVERY == 0 or done == len(rows):
                log.info("Pairs: %d of %d normal heads done, %d made.", done, len(rows), len(made))
    if gone:
        log.warning("%d original files are gone or have changed; they give no pair.", gone)
    if not made:
        raise RunError(
            "No pair could be made: "
            + (f"{gone} original files are gone or have changed, and " if gone else "")
            + "in no normal head an atrium was surely found and its size in millimetres known. Start a "
            "run without pairs."
        )
    with replacing(folder.path / _FILE) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(
            stream, rows=np.array([row for row, _ in made], np.int64),
            images=np.stack([pair for _, pair in made]),
        )  # fmt: skip


def _run(
    task: partial[tuple[bool, Pair | None]], wanted: list[tuple[str, str]]
) -> Generator[tuple[bool, Pair | None], None, None]:
    workers = min(os.cpu_count() or 1, len(wanted) // _WORTH_A_PROCESS)
    if workers <= 1:
        yield from map(task, wanted)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        try:
            yield from pool.map(task, wanted, chunksize=4)
        finally:
            pool.shutdown(cancel_futures=True)  # it may have been left before the last one


def _pair(
    image: tuple[str, str], *, root: Path, settings: CleaningSettings
) -> tuple[bool, Pair | None]:
    """Whether the original is there as it was prepared, and the pair that it gives."""
    path, source = image
    try:
        original = read_original(path, root, settings)
    except ScanError:
        return False, None
    if original.digest != source:
        return False, None
    scan = original.scan
    try:
        anatomy = _anatomy_model().find(
            original.picture,
            scan.spacing_mm,
            pixel_aspect=scan.pixel_aspect,
            uncleaned=scan.frames[original.frame],
        )
    except ValueError:  # too small a picture to find anything in
        return True, None
    drawn = np.random.default_rng(int(source[:16], 16))  # the same pair of a head in every run
    return True, model_pair(original.picture, anatomy, drawn)


@lru_cache(maxsize=1)
def _anatomy_model() -> AnatomyModel:
    from vmcore.anatomy import AnatomyModel  # noqa: PLC0415  heavy, and few runs have pairs

    return AnatomyModel.load()
