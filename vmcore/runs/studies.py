"""The store's studies: prepare one in the background, stop it, go on with it, delete it.

``python -m vmcore.runs.studies STUDY`` is the process that does it, as the study's request.json says.
It holds STUDY/worker.lock as long as it lives; STUDY/stop tells it to stop, on whichever host it is.
"""

from __future__ import annotations

import json
import logging
import secrets
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import tyro

from vmcore.anatomy import AnatomyError, StudyMeasure
from vmcore.data import (
    ManifestError,
    find_manifest,
    prepare_study,
    refuse_other_root,
    reject,
    rejected,
    stored_manifest,
)
from vmcore.data.containment import ORIGINALS, place_told, told_place
from vmcore.data.preparing import read_record
from vmcore.file_modes import keep_private
from vmcore.files import expanded, write_atomically
from vmcore.runs.access import require
from vmcore.runs.errors import RunError
from vmcore.runs.locks import alone
from vmcore.runs.processes import end_process, spawn
from vmcore.runs.purging import DELETED
from vmcore.runs.regression_set import forget_cases
from vmcore.runs.study_status import (
    LOCK,
    STOP,
    STUDY_NAME,
    came_as_zip,
    read_note,
    study_folder,
    study_status,
)
from vmcore.runs.unfinished import BUSY, refuse_read_study
from vmcore.settings import settings

_GONE = "There is no such study any more."
_EVERY = 5  # images between two notes of the progress


def corpora_folder() -> Path:
    """Where all corpora for pretraining lie."""
    return settings().store / "corpora"


def corpus_folder(name: str) -> Path:
    """Where a corpus lies.

    Raises:
        RunError: the name is odd.
    """
    if not STUDY_NAME.fullmatch(name.strip()):
        raise RunError("A corpus's name is up to 60 letters, digits, spaces, dots and dashes.")
    return corpora_folder() / name.strip()


def start_preparing(
    source: Path, name: str, *, leave_out: tuple[str, ...] = (), again: bool = False
) -> Path:
    """Prepare a manifest or folder as a study, in a process of its own.

    Args:
        source: the manifest or folder.
        name: what the study is to be called.
        leave_out: labels of a manifest that belong to neither class.
        again: prepare a study that is ready once more, after its source has changed.

    Raises:
        RunError, ManifestError: a name that is taken or odd, data that is not a study, or a run that works
            on the study that is to be prepared again.
    """
    require("train")
    folder = study_folder(name)
    refuse_taken(folder, again=again)
    find_manifest(expanded(source), leave_out=leave_out)  # what is wrong is said at once
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder / "control.lock", BUSY):
        refuse_taken(folder, again=again)  # somebody else may have been quicker
        refuse_other_root(folder, expanded(source))
        return begin_preparing(folder, source, leave_out)


def begin_preparing(folder: Path, source: Path, leave_out: Sequence[str]) -> Path:
    """The last of :func:`start_preparing`, for who holds the study's control.lock and has looked at the data."""
    note_request(folder, source, leave_out)
    return _spawn(folder)


def refuse_taken(folder: Path, *, again: bool = False) -> None:
    """Refuse to prepare a study that is there, or being prepared; with ``again``, that a run works on.

    Raises:
        RunError: with that.
    """
    state = study_status(folder).state if folder.exists() else "stopped"
    if state == "preparing":
        raise RunError(f"{folder.name} is being prepared already; wait for it, or stop it first.")
    if state == "ready" and not again:
        raise RunError(f"There is a study called {folder.name} already.")
    if state == "ready":
        refuse_read_study(folder)


def note_request(folder: Path, source: Path, leave_out: Sequence[str]) -> None:
    """Write down what a study is prepared from, so that it can be gone on with."""
    words = {"source": told_place(source), "leave_out": list(leave_out)}
    write_atomically(folder / "request.json", json.dumps(words))


def continue_preparing(folder: Path) -> Path:
    """Go on with a study whose preparing was stopped; images that are done stay.

    Raises:
        RunError: it is being prepared, or is ready.
    """
    require("train")
    with alone(folder / "control.lock", BUSY):
        state = study_status(folder).state
        if state in {"ready", "preparing"}:
            raise RunError(f"The study is {state}; there is nothing to go on with.")
        if came_as_zip(folder) and not (folder / ORIGINALS).is_dir():
            raise RunError(
                "This study came as a zip, whose files were deleted. Give the zip once more, under the "
                "same name."
            )
        return _spawn(folder)


def study_measure() -> StudyMeasure | None:
    """What measures the images of studies; None where the anatomy model is missing or damaged."""
    try:
        return StudyMeasure.of()
    except AnatomyError as error:
        logging.getLogger(__name__).warning("Nothing is measured: %s", error)
        return None


def clear_marks(folder: Path) -> None:
    """Remove what an earlier preparing left: whose process it was, how far it came and why it failed."""
    for mark in ("failure.json", "progress.json", "job.json", STOP):
        (folder / mark).unlink(missing_ok=True)


def note_progress(folder: Path, done: int, total: int) -> None:
    """Write down how far preparing is, now and then."""
    if done % _EVERY == 0 or done == total:
        write_atomically(folder / "progress.json", json.dumps({"done": done, "total": total}))


def note_failure(folder: Path, error: Exception) -> None:
    """Write down why a study could not be prepared, for the pages; no words that quote a file's name."""
    kind = type(error).__name__
    if isinstance(error, ManifestError):
        reason = str(error)
    elif isinstance(error, OSError):
        reason = f"A file could not be read or written ({kind}): is the disk full?"
    else:
        reason = f"Preparing stopped with an error of the program ({kind})."
    write_atomically(folder / "failure.json", json.dumps({"reason": reason}))


def _spawn(folder: Path) -> Path:
    clear_marks(folder)
    job = spawn(folder / "log.txt", folder / LOCK, "vmcore.runs.studies", str(folder))
    write_atomically(folder / "job.json", json.dumps(job))
    return folder


def stop_preparing(folder: Path) -> None:
    """Stop preparing a study; it can be gone on with.

    A process of another host sees the mark that is left for it after its next image.
    """
    require("train")
    with alone(folder / "control.lock", BUSY):
        if study_status(folder).state == "preparing":
            write_atomically(folder / STOP, "")
            end_process(read_note(folder / "job.json"))


def delete_study(folder: Path) -> None:
    """Remove a study for good: prepared images, check, rejections and log; the originals stay.

    Its images go from the old cases that models are held against, too.

    Raises:
        RunError: it is being prepared, a run that has not ended works on it, or it is gone already.
    """
    require("train")
    try:
        with alone(folder / "control.lock", BUSY):
            if study_status(folder).state == "preparing":
                raise RunError("The study is being prepared; stop it first.")
            refuse_read_study(folder)
            forget_cases(_sources(folder))
            gone = folder.rename(folder.with_name(f"{DELETED}{secrets.token_hex(6)}"))
    except FileNotFoundError as error:
        raise RunError(_GONE) from error
    shutil.rmtree(gone)


def reject_images(folder: Path, paths: Iterable[str]) -> None:
    """Take images out of a study; see :func:`vmcore.data.reject`.

    They go from the old cases that models are held against, too, and do not come back there.

    Raises:
        NotAllowedError: it is not this person's to do.
        RunError: a run that has not ended works on the study.
    """
    out = set(paths)
    with _changing(folder):
        reject(folder, rejected(folder) | out)
        forget_cases(_sources(folder, out))


def take_back_images(folder: Path, paths: Iterable[str]) -> None:
    """Take images into a study again that were taken out.

    Raises:
        NotAllowedError: it is not this person's to do.
        RunError: a run that has not ended works on the study.
    """
    with _changing(folder):
        reject(folder, rejected(folder) - set(paths))


@contextmanager
def _changing(folder: Path) -> Iterator[None]:
    """Change which images a study has; one at a time, and under no run."""
    require("train")
    if not folder.is_dir():
        raise RunError(_GONE)
    with alone(folder / "control.lock", BUSY):
        refuse_read_study(folder)
        yield


def _sources(folder: Path, paths: Iterable[str] | None = None) -> set[str]:
    """Digests of the original files of a study's images, or of some of them."""
    try:
        chosen = stored_manifest(folder)["path"].astype(str) if paths is None else paths
    except (OSError, ValueError):  # never prepared: nothing of it was taken anywhere
        return set()
    known = [read_record(folder / "prepared", path) for path in chosen]
    return {record.source for record in known if record is not None}


def main(folder: tyro.conf.Positional[Path]) -> None:
    """Prepare a study as its request says."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    request = read_note(folder / "request.json")
    if "source" not in request:
        reason = (
            "It is not known what this study was prepared from; prepare it again with: "
            "python -m train.prepare SOURCE NAME"
        )
        write_atomically(folder / "failure.json", json.dumps({"reason": reason}))
        sys.exit(1)
    leave_out = request.get("leave_out")

    def note(done: int, total: int) -> None:
        if (folder / STOP).is_file():
            logging.getLogger(__name__).info("Stopped; it can be gone on with.")
            sys.exit(0)
        note_progress(folder, done, total)

    try:
        prepare_study(
            place_told(str(request["source"])), folder, progress=note, measure=study_measure(),
            leave_out=[str(x) for x in leave_out] if isinstance(leave_out, list) else (),
        )  # fmt: skip
    except Exception as error:
        logging.getLogger(__name__).error("Preparing failed: %s", type(error).__name__)  # noqa: TRY400
        note_failure(folder, error)
        sys.exit(1)
    shutil.rmtree(folder / ORIGINALS, ignore_errors=True)


if __name__ == "__main__":
    keep_private()
    tyro.cli(main)
