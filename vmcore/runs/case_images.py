"""From a case's number in the predictions to its picture, where the picture is on this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd

from vmcore.data import ManifestError, StoredStudy, load_study, prepared_path, stored_manifest
from vmcore.data.containment import stays_inside
from vmcore.data.phantom import series_phantom
from vmcore.data.preparing import read_record
from vmcore.imaging import CleaningSettings, ScanError, clean_frame, read_sandboxed
from vmcore.runs.folder import RunFolder

_IMAGES = "images.txt"
CaseImage = npt.NDArray[np.uint8]
FindImage = Callable[[str], CaseImage | None]
"""From a case's name in the predictions to its cleaned image, uint8 (H, W, 3), or None."""


def no_images(case: str) -> CaseImage | None:
    """For predictions made elsewhere."""
    del case
    return None


def note_images(folder: RunFolder, study: StoredStudy) -> None:
    """Keep in a run's folder by what its images are known again: digests, which name nobody."""
    folder.mark(_IMAGES, "".join(f"{digest}\n" for digest in study.source_digests()))


def images_of_run(folder: RunFolder, predictions: pd.DataFrame) -> FindImage:
    """A run's images: cleaned anew from the originals, or as they were prepared.

    Args:
        folder: the run.
        predictions: the bundle's, whose images are numbers; its rows are those of the folds' own.
    """
    study = folder.cross_validation().study
    numbered = folder.marked(_IMAGES)
    named = {} if numbered else _named(folder, predictions)

    @cache
    def paths() -> Mapping[str, str]:  # only where a picture is looked at
        return _known_again(folder, study) if numbered else named

    def find(case: str) -> CaseImage | None:
        try:
            stored = load_study(study)
            path = paths().get(case)
        except (ManifestError, OSError, ValueError):  # gone, or just being prepared anew
            return None
        if path is None:
            return None
        image = _cleaned(stored.originals, Path(path), stored.report.cleaning)
        if image is None:
            image = cv2.imread(str(prepared_path(study / "prepared", path)))
            image = None if image is None else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        return image

    return find


def _known_again(folder: RunFolder, study: Path) -> Mapping[str, str]:
    """Where the images of a run's cases lie in its study now, by case."""
    places = {}
    for path in stored_manifest(study)["path"].astype(str):
        record = read_record(study / "prepared", path)
        if record is not None:
            places[record.source] = path
    digests = (folder.path / _IMAGES).read_text().splitlines()
    return {
        str(number): places[digest]
        for number, digest in enumerate(digests, start=1)
        if digest in places
    }


def _named(folder: RunFolder, predictions: pd.DataFrame) -> Mapping[str, str]:
    """The same by the names that older versions wrote beside a fold's predictions."""
    files = [
        folder.fold(k) / "predictions.csv" for k in range(1, folder.cross_validation().folds + 1)
    ]
    if not all(file.is_file() for file in files):
        return {}
    named = pd.concat([pd.read_csv(file, dtype={"image": str}) for file in files])["image"]
    if len(named) != len(predictions):
        return {}
    return dict(zip(predictions["image"], named, strict=True))


def images_of_bundle(root: Path | None, phantom_series: int | None) -> FindImage:
    """The bundled model's images: phantoms are drawn again, others read below a folder."""

    def find(case: str) -> CaseImage | None:
        path = Path(case)
        if phantom_series is not None and path.parent.name == "phantoms":
            try:
                return clean_frame(series_phantom(path.stem, phantom_series).image).image
            except ValueError:
                return None
        if root is None or path.is_absolute() or ".." in path.parts:
            return None
        return _cleaned(root, path, CleaningSettings())

    return find


def _cleaned(root: Path, path: Path, settings: CleaningSettings) -> CaseImage | None:
    if not stays_inside(root / path, root):
        return None
    try:
        scan = read_sandboxed(root / path)
        frame = scan.frames[len(scan.frames) // 2]
    except (ScanError, OSError):
        return None
    return clean_frame(frame, region=scan.region, settings=settings).image
