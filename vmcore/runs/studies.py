"""The store's studies: prepare one in the background, and say how each stands.

``python -m vmcore.runs.studies SOURCE STUDY`` is the process that does it.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from vmcore.data import (
    OUTDATED,
    ManifestError,
    find_manifest,
    outdated,
    prepare_study,
    refuse_other_root,
)
from vmcore.files import write_atomically
from vmcore.runs.plan import RunError
from vmcore.runs.processes import end_process, find_process, spawn
from vmcore.settings import settings

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,59}")
_EVERY = 5  # images between two notes of the progress


@dataclass(frozen=True, slots=True)
class StudyStatus:
    """How a study stands: ready, preparing, stopped (can be gone on with) or failed."""

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


def start_preparing(source: Path, name: str, *, leave_out: tuple[str, ...] = ()) -> Path:
    """Prepare a manifest or folder as a study, in a process of its own.

    Raises:
        RunError, ManifestError: a name that is taken or odd, or data that is not a study.
    """
    if not _NAME.fullmatch(name.strip()):
        raise RunError("A study's name is up to 60 letters, digits, spaces, dots and dashes.")
    folder = studies_folder() / name.strip()
    if folder.exists() and study_status(folder).state in {"ready", "preparing"}:
        raise RunError(f"There is a study called {folder.name} already.")
    find_manifest(source.expanduser(), leave_out=leave_out)  # what is wrong is said at once
    refuse_other_root(folder, source.expanduser())
    note_request(folder, source, leave_out)
    return continue_preparing(folder)


def note_request(folder: Path, source: Path, leave_out: Sequence[str]) -> None:
    """Write down what a study is prepared from, so that it can be gone on with."""
    words = {"source": str(source.expanduser().resolve()), "leave_out": list(leave_out)}
    write_atomically(folder / "request.json", json.dumps(words))


def continue_preparing(folder: Path) -> Path:
    """Go on with a study whose preparing was stopped; images that are done stay."""
    for mark in ("failure.json", "progress.json"):
        (folder / mark).unlink(missing_ok=True)
    job = spawn(folder / "log.txt", "vmcore.runs.studies", str(folder))
    write_atomically(folder / "job.json", json.dumps(job))
    return folder


def stop_preparing(folder: Path) -> None:
    """Stop preparing a study; it can be gone on with."""
    end_process(_read(folder / "job.json"))


def all_studies() -> list[StudyStatus]:
    """Every study by name."""
    if not studies_folder().is_dir():
        return []
    return [study_status(path) for path in sorted(studies_folder().iterdir()) if path.is_dir()]


def study_status(folder: Path) -> StudyStatus:
    """How a study stands."""
    progress = _read(folder / "progress.json")
    done, total = int(str(progress.get("done", 0))), int(str(progress.get("total", 0)))
    if find_process(_read(folder / "job.json")) is not None:
        return StudyStatus(folder, "preparing", done, total)
    reason = str(_read(folder / "failure.json").get("reason", ""))
    if (folder / "study.json").is_file():
        if outdated(folder):
            return StudyStatus(folder, "stopped", 0, 0, reason or OUTDATED)
        return StudyStatus(folder, "ready", total, total)
    return StudyStatus(folder, "failed" if reason else "stopped", done, total, reason)


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
        if done % _EVERY == 0 or done == total:
            words = json.dumps({"done": done, "total": total})
            write_atomically(folder / "progress.json", words)

    try:
        prepare_study(
            Path(str(request["source"])), folder, progress=note,
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
    tyro.cli(main)
