"""A study that comes as a zip, from people whose browser is not on the machine that trains.

It is unpacked to a folder of its own beside the studies, looked at, and moved into the study's folder as a
whole; prepared from there like any other, and deleted as soon as the study is ready. Two that come under one
name never touch each other's files: the first is prepared, the second is refused.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from vmcore.data import find_manifest, refuse_other_root
from vmcore.data.containment import ORIGINALS
from vmcore.data.unpacking import Unpacked, unpack_study
from vmcore.runs.access import require
from vmcore.runs.errors import RunError
from vmcore.runs.locks import alone, hold
from vmcore.runs.purging import DELETED
from vmcore.runs.studies import begin_preparing, refuse_taken
from vmcore.runs.study_status import (
    came_as_zip,
    studies_folder,
    study_folder,
)
from vmcore.runs.unpacking_places import UNPACKING, UNPACKING_LOCK

_BUSY = "Somebody else is just adding a study of this name; look again."


def start_from_zip(
    stream: IO[bytes], name: str, *, leave_out: tuple[str, ...] = ()
) -> tuple[Path, Unpacked]:
    """Unpack an archive of class folders, or of images and their manifest, and prepare it as a study.

    Args:
        stream: the archive, which can be sought in.
        name: what the study is to be called; the name of one that came as a zip and is not ready (any more)
            prepares that one, whose old originals stay until the new ones are known to be a study.
        leave_out: labels of a manifest that belong to neither class.

    Returns:
        the study's folder, and what the archive held.

    Raises:
        RunError, ManifestError: a name that is taken or odd, an archive that is refused, data that is
            not a study, or a disk that cannot be written to; nothing of the archive stays.
    """
    require("train")
    folder = study_folder(name)
    _refuse(folder)
    try:
        with _place_beside() as place:
            unpacked = unpack_study(stream, place / ORIGINALS)
            find_manifest(place / ORIGINALS, leave_out=leave_out)  # what is wrong is said at once
            folder.mkdir(parents=True, exist_ok=True)
            with alone(folder / "control.lock", _BUSY):
                _refuse(folder)  # somebody else may have been quicker
                refuse_other_root(folder, folder / ORIGINALS)
                _swap_and_begin(folder, place, leave_out)
    except OSError as error:  # its own words would quote a name
        raise RunError(
            f"The archive cannot be unpacked in the store ({error.strerror or 'the disk failed'})."
        ) from None
    return folder, unpacked


def _refuse(folder: Path) -> None:
    refuse_taken(folder)
    if (folder / "request.json").is_file() and not came_as_zip(folder):
        raise RunError(
            f"There is a study called {folder.name} already, prepared from a folder. Give this one another "
            "name."
        )


@contextmanager
def _place_beside() -> Iterator[Path]:
    """A new folder on the studies' disk, which is locked as long as it is used and then removed."""
    place = studies_folder() / f"{UNPACKING}{secrets.token_hex(6)}"
    place.mkdir(parents=True, mode=0o700)
    lock = None
    try:
        lock = hold(place / UNPACKING_LOCK)
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _swap_and_begin(folder: Path, place: Path, leave_out: tuple[str, ...]) -> None:
    """Put what was unpacked in place of what was there, and begin; as it was where that fails."""
    new, originals, before = (
        not (folder / "request.json").exists(),
        folder / ORIGINALS,
        place / "before",
    )
    try:
        if originals.exists():
            originals.rename(before)
        (place / ORIGINALS).rename(originals)
        begin_preparing(folder, originals, leave_out)
    except OSError:
        shutil.rmtree(originals, ignore_errors=True)
        if before.exists():
            before.rename(originals)
        if new:
            gone = folder.rename(folder.with_name(f"{DELETED}{secrets.token_hex(6)}"))
            shutil.rmtree(gone, ignore_errors=True)
        raise
