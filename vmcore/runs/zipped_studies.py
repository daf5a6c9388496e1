"""A study that comes as a zip, from people whose browser is not on the machine that trains.

It is unpacked within the study's own folder, prepared from there like any other, and what was unpacked is
deleted as soon as the study is ready.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import IO

from vmcore.data import ManifestError
from vmcore.data.containment import ORIGINALS
from vmcore.data.unpacking import Unpacked, unpack_study
from vmcore.runs.access import require
from vmcore.runs.errors import RunError
from vmcore.runs.locks import alone
from vmcore.runs.studies import refuse_taken, start_preparing
from vmcore.runs.study_status import (
    all_studies,
    came_as_zip,
    read_note,
    study_folder,
    study_status,
)

_BUSY = "Somebody else is just adding a study of this name; look again."


def start_from_zip(
    stream: IO[bytes], name: str, *, leave_out: tuple[str, ...] = ()
) -> tuple[Path, Unpacked]:
    """Unpack an archive of class folders, or of images and their manifest, and prepare it as a study.

    Args:
        stream: the archive, which can be sought in.
        name: what the study is to be called; the name of one that came as a zip and is not ready (any more)
            prepares that one.
        leave_out: labels of a manifest that belong to neither class.

    Returns:
        the study's folder, and what the archive held.

    Raises:
        RunError, ManifestError: a name that is taken or odd, an archive that is refused, or data that is
            not a study; nothing of the archive stays.
    """
    require("train")
    folder = study_folder(name)
    refuse_taken(folder)
    prepared_elsewhere = (folder / "request.json").is_file() and not came_as_zip(folder)
    if prepared_elsewhere:
        raise RunError(
            f"There is a study called {folder.name} already, prepared from a folder. Give this one another "
            "name."
        )
    new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    originals = folder / ORIGINALS
    try:
        with alone(folder / "control.lock", _BUSY):
            refuse_taken(folder)
            shutil.rmtree(originals, ignore_errors=True)
            unpacked = unpack_study(stream, originals)
        return start_preparing(originals, name, leave_out=leave_out), unpacked
    except (RunError, ManifestError):
        if study_status(folder).state != "preparing":  # else somebody else was quicker
            shutil.rmtree(folder if new else originals, ignore_errors=True)
        raise


def sweep_unpacked() -> None:
    """Remove what a process that ended in this very moment has left unpacked of studies that are ready."""
    for study in all_studies():
        if study.state == "ready" and read_note(study.folder / "request.json"):
            shutil.rmtree(study.folder / ORIGINALS, ignore_errors=True)
