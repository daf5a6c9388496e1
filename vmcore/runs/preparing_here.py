"""Prepare a study of the store in this very process, as a terminal does.

It holds what the background's process holds, STUDY/worker.lock, so that pages and other hosts see it at
work, and that nobody else prepares, deletes or trains on the study meanwhile. Pages can stop it.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from vmcore.data import (
    ManifestError,
    StoredStudy,
    find_manifest,
    prepare_study,
    refuse_other_root,
)
from vmcore.data.containment import ORIGINALS
from vmcore.files import expanded, write_atomically
from vmcore.runs.access import require
from vmcore.runs.errors import RunError
from vmcore.runs.locks import alone, hold
from vmcore.runs.machine import whereabouts
from vmcore.runs.studies import (
    clear_marks,
    note_failure,
    note_progress,
    note_request,
    refuse_taken,
    study_measure,
)
from vmcore.runs.study_status import LOCK, STOP, came_as_zip, study_folder
from vmcore.runs.unfinished import BUSY


def prepare_here(
    source: Path,
    name: str,
    *,
    leave_out: Sequence[str] = (),
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> StoredStudy:
    """Prepare a manifest or folder as a study of the store, or prepare that study again.

    Args:
        source: a manifest (CSV), a folder with manifest.csv, or a folder of class folders.
        name: what the study is to be called.
        leave_out: labels of a manifest that belong to neither class.
        workers: processes; one per processor without.
        progress: called with (done, total).

    Raises:
        RunError, ManifestError: an odd name, data that is not a study, somebody else who is preparing the
            study, or a run that works on it, before anything was changed; or somebody stopped it, so
            that it can be gone on with.
    """
    require("train")
    folder, source = study_folder(name), expanded(source)
    if source.resolve().is_relative_to((folder / ORIGINALS).resolve()) and not came_as_zip(folder):
        raise RunError(
            f"{ORIGINALS} in a study's folder is for what was handed in as a zip, and deleted once the study "
            "is ready: move the images to another folder."
        )
    find_manifest(source, leave_out=leave_out)  # what is wrong is said at once

    def note(done: int, total: int) -> None:
        if (folder / STOP).is_file():
            raise RunError("The study was told to stop; prepare it once more to go on.")
        note_progress(folder, done, total)
        if progress:
            progress(done, total)

    with _at_work(folder, source, leave_out):
        try:
            study = prepare_study(
                source, folder, leave_out=leave_out, workers=workers, progress=note,
                measure=study_measure(),
            )  # fmt: skip
        except (ManifestError, OSError) as error:
            note_failure(folder, error)
            raise
        shutil.rmtree(folder / ORIGINALS, ignore_errors=True)  # unpacked from a zip
        return study


@contextmanager
def _at_work(folder: Path, source: Path, leave_out: Sequence[str]) -> Iterator[None]:
    """Hold a study's worker.lock, after its request was written; nothing is changed where others do."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = None
    try:
        with alone(folder / "control.lock", BUSY):
            refuse_taken(folder, again=True)
            refuse_other_root(folder, source)
            lock = hold(folder / LOCK)
            if lock is None:  # begun in this moment, by one who is not of this version
                refuse_taken(folder, again=True)
                raise RunError(BUSY)
            clear_marks(folder)
            write_atomically(
                folder / "job.json", json.dumps(whereabouts())
            )  # not to be killed from afar
            note_request(folder, source, leave_out)
        yield
    finally:
        if lock is not None:
            os.close(lock)
