"""The store's studies and how each stands: ready, being prepared, stopped or failed.

Asked of their files and of whoever holds their lock; nothing here changes one.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vmcore.data import OUTDATED, outdated
from vmcore.data.containment import ORIGINALS, place_told
from vmcore.files import expanded
from vmcore.runs.errors import RunError
from vmcore.runs.machine import is_here
from vmcore.runs.processes import is_alive
from vmcore.settings import settings

STUDY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,59}")
LOCK, STOP = "worker.lock", "stop"
"""Files of a study: held by the process that prepares it, and the mark that tells it to stop."""


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


def study_folder(name: str) -> Path:
    """Where a study of this name lies, or would.

    Raises:
        RunError: the name is odd.
    """
    if not STUDY_NAME.fullmatch(name.strip()):
        raise RunError("A study's name is up to 60 letters, digits, spaces, dots and dashes.")
    return studies_folder() / name.strip()


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
    progress = read_note(folder / "progress.json")
    done, total = int(str(progress.get("done", 0))), int(str(progress.get("total", 0)))
    job = read_note(folder / "job.json")
    if is_alive(job, folder / LOCK):
        return StudyStatus(folder, "preparing", done, total, _stopping(folder, job))
    reason = str(read_note(folder / "failure.json").get("reason", ""))
    if (folder / "study.json").is_file():
        if outdated(folder):
            return StudyStatus(folder, "stopped", 0, 0, reason or OUTDATED)
        return StudyStatus(folder, "ready", total, total)
    return StudyStatus(folder, "failed" if reason else "stopped", done, total, reason)


def _stopping(folder: Path, job: dict[str, object]) -> str:
    if not (folder / STOP).is_file():
        return ""
    where = "" if is_here(job) else f" on the host {job.get('host')}"
    return f"Its preparation{where} was told to stop and will do so after the next image."


def read_note(file: Path) -> dict[str, object]:
    """What one of a study's small JSON files says; nothing where it is not there."""
    return json.loads(file.read_text()) if file.is_file() else {}


def prepared_from(source: Path) -> list[StudyStatus]:
    """The studies that were prepared, or are to be, from a folder."""
    place = expanded(source).resolve()
    return [study for study in all_studies() if _source(study.folder) == place]


def came_as_zip(folder: Path) -> bool:
    """Whether a study was unpacked from an archive, whose files are deleted once it is ready."""
    return _source(folder) == (folder / ORIGINALS).resolve()


def _source(folder: Path) -> Path | None:
    """What a study is prepared from; None where that is not known."""
    source = read_note(folder / "request.json").get("source")
    return place_told(str(source)) if source else None
