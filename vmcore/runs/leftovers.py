"""Runs that a kill or a full disk left half made or half deleted: the store and the disk forget them."""

from __future__ import annotations

import logging
import shutil
import time
from pathlib import Path

from vmcore.runs.folder import MAKING, RunFolder, runs_folder
from vmcore.runs.locks import held
from vmcore.runs.purging import DELETED

log = logging.getLogger(__name__)
_YOUNG_S = 60.0  # old enough to have locked what it makes


def sweep_runs() -> None:
    """Finish what was begun, so that bundle and predictions of a run that was to go stay nowhere."""
    for left in runs_folder().glob(".*-*"):
        if _is_left(left) and _forget(left.name.rpartition("-")[2]):
            shutil.rmtree(left, ignore_errors=True)


def _is_left(folder: Path) -> bool:
    """Whether a run was half made or half deleted, and nobody goes on with that."""
    making = folder.name.startswith(MAKING)
    if not (making or folder.name.startswith(DELETED)) or held(RunFolder(folder).control_lock):
        return False
    return not making or time.time() - folder.stat().st_mtime > _YOUNG_S


def _forget(run_id: str) -> bool:
    """Remove a run from the store; False where that cannot be done now."""
    from mlflow.exceptions import MlflowException  # noqa: PLC0415  slow to import, and seldom needed

    from vmcore.runs.answers import is_missing  # noqa: PLC0415
    from vmcore.runs.errors import StoreSilentError  # noqa: PLC0415
    from vmcore.runs.record import open_store  # noqa: PLC0415
    from vmcore.settings import settings  # noqa: PLC0415

    try:
        open_store(settings().store).delete(run_id)
    except StoreSilentError as error:
        log.warning("A run that was deleted stays in the store for now. %s", error)
        return False
    except MlflowException as error:
        return is_missing(error)
    return True
