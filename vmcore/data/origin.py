"""Where a study comes from: the folder that it was prepared from, and by which version.

STUDY/source.json is written before the first image is prepared and stays; it names the folder from the
store on. STUDY/study.json names it from the study on, where it lies in the study or in the study's store, so
that both can be moved; in full elsewhere, and in what older versions wrote.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from vmcore.data.containment import place_told, told_place
from vmcore.data.finding import study_root
from vmcore.data.manifest import ManifestError
from vmcore.data.preparing import PREPARING_VERSION
from vmcore.files import expanded, write_atomically
from vmcore.settings import settings

OUTDATED = (
    "The study was prepared by another version of this program. Prepare it again from the same folder "
    "or manifest; what was rejected stays rejected."
)
_FILE = "source.json"


class _Origin(BaseModel):
    model_config = ConfigDict(frozen=True)

    root: str
    version: int


def note_origin(folder: Path, root: Path) -> None:
    """Write down that a study's folder is prepared from ``root`` by this version."""
    origin = _Origin(root=told_place(root), version=PREPARING_VERSION)
    write_atomically(folder / _FILE, origin.model_dump_json() + "\n")


def refuse_other_root(folder: Path, source: Path) -> None:
    """Refuse to prepare a study's folder from elsewhere than before.

    Args:
        folder: the study's.
        source: a manifest, or a folder with one or with class folders.

    Raises:
        ManifestError: the folder holds a study that was prepared from another root.
    """
    if not (folder / "manifest.csv").is_file():
        return  # none was ever prepared to its end
    if _noted(folder) != study_root(source).resolve():
        raise ManifestError(
            "There is a study of this name already, prepared from another folder. What was rejected "
            "and found there must not stand on other images: give the new study another name."
        )


def root_seen_from(folder: Path, root: Path) -> str:
    """A study's root as its study.json names it: see above."""
    study, real = folder.resolve(), root.resolve()
    store = expanded(settings().store).resolve()
    moves_along = real.is_relative_to(study) or (
        real.is_relative_to(store) and study.is_relative_to(store)
    )
    return os.path.relpath(real, study) if moves_along else str(real)


def originals_root(folder: Path, told: str) -> Path:
    """The folder of a study's originals, which may be gone.

    Args:
        folder: the study's.
        told: what its study.json says. Where an older version wrote it in full and the store was moved
            since, source.json knows better.
    """
    place = (folder / told).resolve()
    if place.is_dir() and not Path(told).is_absolute():
        return place
    origin = _read(folder / _FILE)
    return place if origin is None else place_told(origin.root)


def _noted(folder: Path) -> Path | None:
    """The root that a study was prepared from last; None where that is not known."""
    origin = _read(folder / _FILE)
    if origin is not None:
        return place_told(origin.root)
    oldest = _read(folder / "study.json")
    return None if oldest is None else (folder / oldest.root).resolve()


def outdated(folder: Path) -> bool:
    """Whether a study was prepared by another version, so that it must be prepared again."""
    known = _read(folder / _FILE)
    return (folder / "study.json").is_file() and (
        known is None or known.version != PREPARING_VERSION
    )


def _read(file: Path) -> _Origin | None:
    """What a file says; a study.json, which older versions wrote alone, names the root too."""
    try:
        return _Origin.model_validate({"version": 1} | json.loads(file.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
