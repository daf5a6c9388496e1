"""Read, clean and shrink a study's images once, keeping the folder hierarchy (PNG, 224 x 224)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd

from vmcore.files import write_atomically
from vmcore.imaging import CleaningSettings, ScanError, clean_frame, read_scan, to_model_pixels
from vmcore.imaging.text import find_text

_WORTH_A_PROCESS = 50  # images: fewer are done sooner than another process is up and reads text


@dataclass(frozen=True, slots=True)
class PreparationReport:
    """How many images were made, were there already, and which could not be read and why.

    ``lettered`` lists images in which text is still found after cleaning.
    """

    made: int
    kept: int
    unreadable: dict[str, str]
    lettered: tuple[str, ...] = ()


def prepared_path(folder: Path, path: str) -> Path:
    """Where the prepared image of a manifest's ``path`` lies."""
    return folder / Path(path).with_suffix(".png")


def lettered_mark(folder: Path, path: str) -> Path:
    """A file that stands beside the prepared image where text was still found in it."""
    return prepared_path(folder, path).with_suffix(".lettered")


def prepare_images(
    manifest: pd.DataFrame,
    root: Path,
    folder: Path,
    *,
    settings: CleaningSettings | None = None,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> PreparationReport:
    """Prepare every image of a manifest; images that are there already are kept.

    Args:
        manifest: with the column path, relative to ``root``.
        root: folder of the images.
        folder: folder of the prepared ones.
        settings: how frames are cleaned.
        workers: processes at the most; few images are prepared in this one.
        progress: called with (done, total).
    """
    paths = [str(path) for path in manifest["path"]]
    missing = [path for path in paths if not prepared_path(folder, path).is_file()]
    unreadable = {}
    task = partial(_prepare, root=root, folder=folder, settings=settings or CleaningSettings())
    for done, (path, problem) in enumerate(_run(task, missing, workers), start=1):
        if problem:
            unreadable[path] = problem
        if progress:
            progress(done, len(missing))
    lettered = tuple(path for path in paths if lettered_mark(folder, path).is_file())
    return PreparationReport(
        len(missing) - len(unreadable), len(paths) - len(missing), unreadable, lettered
    )


def _run(
    task: Callable[[str], tuple[str, str | None]], paths: list[str], workers: int
) -> Iterator[tuple[str, str | None]]:
    workers = min(workers, len(paths) // _WORTH_A_PROCESS)
    if workers <= 1:
        yield from map(task, paths)
        return
    # a forked child of a process that has used torch's threads can hang: start fresh ones
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(task, paths, chunksize=4)


def _prepare(
    path: str, *, root: Path, folder: Path, settings: CleaningSettings
) -> tuple[str, str | None]:
    try:
        scan = read_scan(root / path)
    except ScanError as error:
        return path, str(error)
    clean = clean_frame(scan.frames[len(scan.frames) // 2], region=scan.region, settings=settings)
    pixels = cv2.cvtColor(to_model_pixels(clean.image), cv2.COLOR_RGB2BGR)
    done, encoded = cv2.imencode(".png", pixels)
    if not done:
        return path, "The prepared image cannot be encoded."
    # where cleaning looked and found none there is nothing to look for again
    unsure = clean.removed("text") or not settings.remove_text
    if unsure and find_text(clean.image):
        write_atomically(lettered_mark(folder, path), b"")
    write_atomically(prepared_path(folder, path), encoded.tobytes())
    return path, None


def load_prepared(manifest: pd.DataFrame, folder: Path) -> npt.NDArray[np.uint8]:
    """Load prepared images into memory, uint8 (N, 3, 224, 224), RGB.

    Raises:
        FileNotFoundError: an image has not been prepared.
    """
    images = np.empty((len(manifest), 3, 224, 224), np.uint8)
    for index, path in enumerate(manifest["path"]):
        file = prepared_path(folder, str(path))
        image = cv2.imread(str(file), cv2.IMREAD_COLOR)
        if image is None or image.shape != (224, 224, 3):
            # a path may name a person: say which row it is instead
            raise FileNotFoundError(f"Image {index + 1} is not prepared; prepare the data first.")
        images[index] = cv2.cvtColor(image, cv2.COLOR_BGR2RGB).transpose(2, 0, 1)
    return images
