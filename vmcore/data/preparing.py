"""Read, clean and shrink a study's images once, keeping the folder hierarchy (PNG, 224 x 224).

Beside each prepared image stands a record of what it was made from: PATH.png and PATH.png.json, where
PATH is the original's whole name. An image is kept only where its record says that it was made from
the same file, with the same settings, by the same version. The record is removed before and written
after its image, and holds the image's own digest, so that a crash leaves an image that is prepared
again, never a wrong one.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict, ValidationError

from vmcore.data.manifest import BESIDE_IMAGE, ManifestError, check_paths
from vmcore.data.measured import Measure, MeasuredImage
from vmcore.data.originals import read_original
from vmcore.files import write_atomically
from vmcore.imaging import (
    BusyError,
    CleaningSettings,
    ScanError,
    to_model_pixels,
)
from vmcore.imaging.text import find_text
from vmcore.resting import keep_until_idle

PREPARING_VERSION = 4
"""Raised whenever the same file and settings give other pixels or another layout on disk."""
_AGAIN = "Prepare the study again, with fewer workers: it goes on where it was."
_NO_ROOM = f"This machine has no room for another process. {_AGAIN}"
_ENDED = (
    "A process that prepares images was ended from outside, as the system does where memory runs out. "
    f"{_AGAIN}"
)
_WORTH_A_PROCESS = 50  # images: fewer are done sooner than another process is up and reads text


@dataclass(frozen=True, slots=True)
class PreparationReport:
    """How many images were made, were there already, and which could not be read and why.

    ``lettered`` lists images in which text is still found after cleaning, ``notes`` what was noted
    when images were read, with their number, ``measured`` what was measured in images by their paths.
    """

    made: int
    kept: int
    unreadable: dict[str, str]
    lettered: tuple[str, ...] = ()
    notes: Mapping[str, int] = field(default_factory=dict)
    measured: Mapping[str, MeasuredImage] = field(default_factory=dict)


class PreparedRecord(BaseModel):
    """What a prepared image was made from, and what was found in it; digests are SHA-256."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int
    source: str
    """Digest of the original file."""
    settings: str
    """Digest of the cleaning settings."""
    image: str
    """Digest of the prepared PNG file."""
    lettered: bool
    """Whether text is still found after cleaning."""
    notes: tuple[str, ...] = ()
    """Where the header and the picture did not agree (:attr:`vmcore.imaging.Scan.notes`)."""
    measured: MeasuredImage | None = None
    """What was measured in it, where anything was."""


def prepared_path(folder: Path, path: str) -> Path:
    """Where the prepared image of a manifest's ``path`` lies: the whole name with .png added."""
    return folder / f"{path}{BESIDE_IMAGE[0]}"


def record_path(folder: Path, path: str) -> Path:
    """Where the record of a prepared image lies."""
    return folder / f"{path}{BESIDE_IMAGE[1]}"


def read_record(folder: Path, path: str) -> PreparedRecord | None:
    """What is known of a prepared image; None where it is not (wholly) prepared."""
    try:
        return PreparedRecord.model_validate_json(record_path(folder, path).read_bytes())
    except (OSError, ValidationError):
        return None


def prepare_images(
    manifest: pd.DataFrame,
    root: Path,
    folder: Path,
    *,
    settings: CleaningSettings | None = None,
    measure: Measure | None = None,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> PreparationReport:
    """Prepare every image of a manifest; those whose record fits are kept.

    Args:
        manifest: with the column path, relative to ``root``.
        root: folder of the images.
        folder: folder of the prepared ones.
        settings: how frames are cleaned.
        measure: what measures each image; nothing is measured without it.
        workers: processes at the most; few images are prepared in this one.
        progress: called with (done, total).

    Raises:
        ManifestError: images that cannot be told apart by their paths.
    """
    check_paths(manifest["path"])
    settings = settings or CleaningSettings()
    paths = [str(path) for path in manifest["path"]]
    missing, unreadable = [], {}
    kept = 0
    for path in paths:
        if not _is_current(path, root, folder, settings, measure):
            missing.append(path)
            continue
        kept += 1
        if progress:
            progress(kept, len(paths))
    task = partial(_prepare, root=root, folder=folder, settings=settings, measure=measure)
    for done, (path, problem) in enumerate(_run(task, missing, workers), start=kept + 1):
        if problem:
            unreadable[path] = problem
        if progress:
            progress(done, len(paths))
    records = {path: known for path in paths if (known := read_record(folder, path))}
    lettered = tuple(path for path, known in records.items() if known.lettered)
    notes = Counter(note for known in records.values() for note in known.notes)
    measured = {path: known.measured for path, known in records.items() if known.measured}
    return PreparationReport(
        len(missing) - len(unreadable), kept, unreadable, lettered, dict(notes), measured
    )


def _is_current(
    path: str, root: Path, folder: Path, settings: CleaningSettings, measure: Measure | None
) -> bool:
    known = read_record(folder, path)
    if known is None or (known.version, known.settings) != (PREPARING_VERSION, _digest(settings)):
        return False
    if measure and (known.measured is None or known.measured.measured_by != measure.digest):
        return False
    try:
        return known.image == _file_digest(prepared_path(folder, path)) and (
            known.source == _file_digest(root / path)
        )
    except OSError:
        return False


def _file_digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _digest(settings: CleaningSettings) -> str:
    return hashlib.sha256(settings.model_dump_json().encode()).hexdigest()


def _run(
    task: Callable[[str], tuple[str, str | None]], paths: list[str], workers: int
) -> Iterator[tuple[str, str | None]]:
    workers = min(workers, len(paths) // _WORTH_A_PROCESS)
    if workers <= 1:
        yield from map(task, paths)
        return
    # a forked child of a process that has threads can hang: start fresh ones
    spawning = get_context("spawn")  # what looks for text keeps its memory: they end soon
    with ProcessPoolExecutor(workers, mp_context=spawning, initializer=keep_until_idle) as pool:
        try:
            yield from pool.map(task, paths, chunksize=4)
        except BrokenProcessPool:
            raise ManifestError(_ENDED) from None


def _prepare(
    path: str, *, root: Path, folder: Path, settings: CleaningSettings, measure: Measure | None
) -> tuple[str, str | None]:
    record, prepared = record_path(folder, path), prepared_path(folder, path)
    try:
        original = read_original(path, root, settings)
    except BusyError:  # the machine's fault and not the file's
        raise ManifestError(_NO_ROOM) from None
    except ScanError as error:
        record.unlink(missing_ok=True)
        prepared.unlink(missing_ok=True)
        return path, str(error)
    record.unlink(missing_ok=True)
    scan, picture = original.scan, original.picture
    pixels = cv2.cvtColor(to_model_pixels(picture), cv2.COLOR_RGB2BGR)
    done, encoded = cv2.imencode(".png", pixels)
    if not done:
        prepared.unlink(missing_ok=True)
        return path, "The prepared image cannot be encoded."
    # where cleaning looked and found none there is nothing to look for again
    unsure = original.clean.removed("text") or not settings.remove_text
    known = PreparedRecord(
        version=PREPARING_VERSION, source=original.digest, settings=_digest(settings),
        image=hashlib.sha256(encoded.tobytes()).hexdigest(), lettered=unsure and bool(find_text(picture)), notes=scan.notes,
        measured=measure(scan, original.frame, picture) if measure else None,
    )  # fmt: skip
    write_atomically(prepared, encoded.tobytes())
    write_atomically(record, known.model_dump_json())
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
