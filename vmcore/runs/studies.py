"""The store's studies: prepare one in the background, and say how each stands.

``python -m vmcore.runs.studies STUDY`` is the process that does it, as the study's request.json says.
It holds STUDY/worker.lock as long as it lives; STUDY/stop tells it to stop, on whichever host it is.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from vmcore.anatomy import AnatomyError, StudyMeasure
from vmcore.data import (
    OUTDATED,
    ManifestError,
    find_manifest,
    outdated,
    prepare_study,
    refuse_other_root,
    reject,
    stored_manifest,
)
from vmcore.data.preparing import read_record
from vmcore.file_modes import keep_private
from vmcore.files import expanded, write_atomically
from vmcore.runs.access import require
from vmcore.runs.errors import RunError
from vmcore.runs.folder import RunFolder, runs_folder
from vmcore.runs.locks import alone
from vmcore.runs.machine import is_here
from vmcore.runs.processes import end_process, is_alive, spawn
from vmcore.runs.purging import DELETED
from vmcore.runs.regression_set import forget_cases
from vmcore.runs.run_status import state_of
from vmcore.settings import settings

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,59}")
_LOCK, _STOP = "worker.lock", "stop"
_BUSY = "Somebody else is just adding, continuing or stopping this study; look again."
_EVERY = 5  # images between two notes of the progress


@dataclass(frozen=True, slots=True)
class StudyStatus:
    """How a study stands: ready, preparing, stopped (can be gone on with) or failed.

    ``reason`` says why it failed, or that it was told to stop and on which host it still goes on.
    """

    folder: Path
    state: Literal["ready", "preparing", "stopped", "failed"]
    done: int = 0
    total: int = 0
    reason: str = ""

    @property
    def name(self) -> str:
        """The study's name."""
        return self.folder.name


def studies_folder() -> Path:
    """Where all studies lie."""
    return settings().store / "studies"


def corpora_folder() -> Path:
    """Where all corpora for pretraining lie."""
    return settings().store / "corpora"


def corpus_folder(name: str) -> Path:
    """Where a corpus lies.

    Raises:
        RunError: the name is odd.
    """
    if not _NAME.fullmatch(name.strip()):
        raise RunError("A corpus's name is up to 60 letters, digits, spaces, dots and dashes.")
    return corpora_folder() / name.strip()


def start_preparing(source: Path, name: str, *, leave_out: tuple[str, ...] = ()) -> Path:
    """Prepare a manifest or folder as a study, in a process of its own.

    Raises:
        RunError, ManifestError: a name that is taken or odd, or data that is not a study.
    """
    require("train")
    if not _NAME.fullmatch(name.strip()):
        raise RunError("A study's name is up to 60 letters, digits, spaces, dots and dashes.")
    folder = studies_folder() / name.strip()
    taken = f"There is a study called {folder.name} already."
    if folder.exists() and study_status(folder).state in {"ready", "preparing"}:
        raise RunError(taken)
    find_manifest(expanded(source), leave_out=leave_out)  # what is wrong is said at once
    refuse_other_root(folder, expanded(source))
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder / "control.lock", _BUSY):
        if study_status(folder).state in {"ready", "preparing"}:
            raise RunError(taken)  # somebody else was quicker
        note_request(folder, source, leave_out)
        return _spawn(folder)


def note_request(folder: Path, source: Path, leave_out: Sequence[str]) -> None:
    """Write down what a study is prepared from, so that it can be gone on with."""
    words = {"source": str(expanded(source).resolve()), "leave_out": list(leave_out)}
    write_atomically(folder / "request.json", json.dumps(words))


def continue_preparing(folder: Path) -> Path:
    """Go on with a study whose preparing was stopped; images that are done stay.

    Raises:
        RunError: it is being prepared, or is ready.
    """
    require("train")
    with alone(folder / "control.lock", _BUSY):
        state = study_status(folder).state
        if state in {"ready", "preparing"}:
            raise RunError(f"The study is {state}; there is nothing to go on with.")
        return _spawn(folder)


def study_measure() -> StudyMeasure | None:
    """What measures the images of studies; None where the anatomy model is missing or damaged."""
    try:
        return StudyMeasure.of()
    except AnatomyError as error:
        logging.getLogger(__name__).warning("Nothing is measured: %s", error)
        return None


def _spawn(folder: Path) -> Path:
    for mark in ("failure.json", "progress.json", _STOP):
        (folder / mark).unlink(missing_ok=True)
    job = spawn(folder / "log.txt", folder / _LOCK, "vmcore.runs.studies", str(folder))
    write_atomically(folder / "job.json", json.dumps(job))
    return folder


def stop_preparing(folder: Path) -> None:
    """Stop preparing a study; it can be gone on with.

    A process of another host sees the mark that is left for it after its next image.
    """
    require("train")
    with alone(folder / "control.lock", _BUSY):
        if study_status(folder).state == "preparing":
            write_atomically(folder / _STOP, "")
            end_process(_read(folder / "job.json"))


def delete_study(folder: Path) -> None:
    """Remove a study for good: prepared images, check, rejections and log; the originals stay.

    Its images go from the old cases that models are held against, too.

    Raises:
        RunError: it is being prepared, a run that has not ended works on it, or it is gone already.
    """
    require("train")
    try:
        with alone(folder / "control.lock", _BUSY):
            if study_status(folder).state == "preparing":
                raise RunError("The study is being prepared; stop it first.")
            if any(_works_on(run, folder) for run in _folders_of_runs()):
                raise RunError("A run that has not ended works on this study; stop it first.")
            forget_cases(_sources(folder))
            gone = folder.rename(folder.with_name(f"{DELETED}{secrets.token_hex(6)}"))
    except FileNotFoundError as error:
        raise RunError("There is no such study any more.") from error
    shutil.rmtree(gone)


def _folders_of_runs() -> list[RunFolder]:
    place = runs_folder()
    names = place.iterdir() if place.is_dir() else ()
    return [RunFolder(path) for path in names if path.is_dir() and path.name.isalnum()]


def _works_on(run: RunFolder, study: Path) -> bool:
    try:
        ended = state_of(run, deciding=True)[0] in {"finished", "failed", "cancelled"}
        return not ended and study.resolve() in {one.resolve() for one in run.plan().studies_read}
    except RunError:  # damaged: it does not work
        return False


def reject_images(folder: Path, paths: Iterable[str]) -> None:
    """Take exactly these images out of a study; see :func:`vmcore.data.reject`.

    They go from the old cases that models are held against, too, and do not come back there.

    Raises:
        NotAllowedError: it is not this person's to do.
    """
    require("train")
    out = set(paths)
    reject(folder, out)
    forget_cases(_sources(folder, out))


def _sources(folder: Path, paths: Iterable[str] | None = None) -> set[str]:
    """Digests of the original files of a study's images, or of some of them."""
    try:
        chosen = stored_manifest(folder)["path"].astype(str) if paths is None else paths
    except (OSError, ValueError):  # never prepared: nothing of it was taken anywhere
        return set()
    known = [read_record(folder / "prepared", path) for path in chosen]
    return {record.source for record in known if record is not None}


def all_studies() -> list[StudyStatus]:
    """Every study by name."""
    if not studies_folder().is_dir():
        return []
    return [
        study_status(path)
        for path in sorted(studies_folder().iterdir())
        if path.is_dir() and not path.name.startswith(".")
    ]


def study_status(folder: Path) -> StudyStatus:
    """How a study stands."""
    progress = _read(folder / "progress.json")
    done, total = int(str(progress.get("done", 0))), int(str(progress.get("total", 0)))
    job = _read(folder / "job.json")
    if is_alive(job, folder / _LOCK):
        return StudyStatus(folder, "preparing", done, total, _stopping(folder, job))
    reason = str(_read(folder / "failure.json").get("reason", ""))
    if (folder / "study.json").is_file():
        if outdated(folder):
            return StudyStatus(folder, "stopped", 0, 0, reason or OUTDATED)
        return StudyStatus(folder, "ready", total, total)
    return StudyStatus(folder, "failed" if reason else "stopped", done, total, reason)


def _stopping(folder: Path, job: dict[str, object]) -> str:
    if not (folder / _STOP).is_file():
        return ""
    where = "" if is_here(job) else f" on the host {job.get('host')}"
    return f"Its preparation{where} was told to stop and will do so after the next image."


def _read(file: Path) -> dict[str, object]:
    return json.loads(file.read_text()) if file.is_file() else {}


def main(folder: tyro.conf.Positional[Path]) -> None:
    """Prepare a study as its request says."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    request = _read(folder / "request.json")
    if "source" not in request:
        reason = (
            "It is not known what this study was prepared from; prepare it again with: "
            "python -m train.prepare SOURCE NAME"
        )
        write_atomically(folder / "failure.json", json.dumps({"reason": reason}))
        sys.exit(1)
    leave_out = request.get("leave_out")

    def note(done: int, total: int) -> None:
        if (folder / _STOP).is_file():
            logging.getLogger(__name__).info("Stopped; it can be gone on with.")
            sys.exit(0)
        if done % _EVERY == 0 or done == total:
            words = json.dumps({"done": done, "total": total})
            write_atomically(folder / "progress.json", words)

    try:
        prepare_study(
            Path(str(request["source"])), folder, progress=note, measure=study_measure(),
            leave_out=[str(x) for x in leave_out] if isinstance(leave_out, list) else (),
        )  # fmt: skip
    except ManifestError as error:
        write_atomically(folder / "failure.json", json.dumps({"reason": str(error)}))
        sys.exit(1)
    except OSError as error:
        logging.getLogger(__name__).exception("Preparing failed.")
        reason = f"A file could not be read or written ({type(error).__name__}): is the disk full?"
        write_atomically(folder / "failure.json", json.dumps({"reason": reason}))
        sys.exit(1)


if __name__ == "__main__":
    keep_private()
    tyro.cli(main)
