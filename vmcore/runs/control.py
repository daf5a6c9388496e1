"""Start, stop, resume and delete runs, one at a time for each run, whoever asks on whichever host."""

from __future__ import annotations

import platform
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from mlflow.exceptions import MlflowException

from vmcore import __version__
from vmcore.runs.access import require
from vmcore.runs.errors import RunError
from vmcore.runs.folder import MAKING, RunFolder, runs_folder
from vmcore.runs.launching import start_work, stop_work
from vmcore.runs.locks import alone
from vmcore.runs.model_in_use import bundle_in_use, changing_model_in_use
from vmcore.runs.plan import Plan
from vmcore.runs.pretraining_plan import PretrainPlan
from vmcore.runs.purging import DELETED
from vmcore.runs.record import as_json, open_store
from vmcore.runs.run_plan import plan_text
from vmcore.runs.run_status import RunStatus, state_of, status
from vmcore.runs.slurm import SlurmSilentError
from vmcore.runs.unfinished import reading, refuse_needed_run
from vmcore.settings import settings

if TYPE_CHECKING:
    from vmcore.models import FetchProgress
    from vmcore.runs.beginning import Beginning

_STORE_WORDS = {
    "pending": "SCHEDULED",
    "running": "RUNNING",
    "finished": "FINISHED",
    "failed": "FAILED",
    "cancelled": "KILLED",
}  # of an unknown run the store says what was last known
_BUSY = "Somebody else is just starting, stopping or deleting this run; look again."
_PACKAGES = ("torch", "torchvision", "timm", "lightning-fabric", "numpy", "scikit-learn", "pydicom")


def find_run(run_id: str) -> RunFolder:
    """The folder of a run.

    Raises:
        RunError: there is none of that name.
    """
    folder = RunFolder(runs_folder() / run_id)
    if not run_id.isalnum() or not folder.path.is_dir():
        raise RunError("There is no such run on this machine.")
    return folder


def start_run(plan: Plan | PretrainPlan, *, on_fetch: FetchProgress | None = None) -> RunFolder:
    """Check a plan, note it in the run store, write its folder and start its worker.

    Args:
        plan: what is to be run.
        on_fetch: called with (bytes done, in all or None) while public weights are fetched.

    Raises:
        RunError, ManifestError: what is wrong, before anything was written or started.
    """
    require("train")
    from vmcore.runs.beginning import begin, refuse_changed  # noqa: PLC0415  slow to import; to look at runs takes less

    beginning = begin(plan, on_fetch)
    with reading(plan):
        refuse_changed(plan, beginning)
        return _begun(plan, beginning)


def _begun(plan: Plan | PretrainPlan, beginning: Beginning) -> RunFolder:
    """A new run, seen by others when it has all that a run begins with; it is theirs to stop from then on."""
    store = open_store(settings().store)
    run_id = store.create(plan)
    made = RunFolder(runs_folder() / f"{MAKING}{run_id}")
    made.path.mkdir(parents=True)
    with alone(made.control_lock, _BUSY):
        try:
            for name, text in beginning.files.items():
                made.mark(name, text)
            made.mark("environment.json", as_json({**_environment(), **beginning.known}))
            made.mark("plan.json", plan_text(plan))
            made.log.touch()
            folder = RunFolder(made.path.rename(made.path.with_name(run_id)))
        except BaseException:
            shutil.rmtree(made.path, ignore_errors=True)
            store.delete(run_id)
            raise
        return _launch(folder)


def resume_run(run_id: str) -> RunFolder:
    """Go on with a run that was cancelled, failed, or whose worker died.

    Raises:
        RunError: it is finished, still going, or nobody knows whether it is.
    """
    require("train")
    with _deciding(run_id) as folder:
        state, reason = state_of(folder, deciding=True)
        if state == "unknown":
            raise RunError(reason)
        if state in {"pending", "running", "finished"}:
            raise RunError(reason or f"The run is {state}; there is nothing to resume.")
        with reading(folder.plan()):
            open_store(settings().store).set_status(
                run_id, "SCHEDULED"
            )  # a silent store: nothing changed
            folder.clear("cancelled", "failure.json", "started")
            return _launch(folder)


@contextmanager
def _deciding(run_id: str) -> Iterator[RunFolder]:
    """The run's folder, for one who starts, stops or deletes it; one at a time, on all hosts."""
    folder = find_run(run_id)
    try:
        with alone(folder.control_lock, _BUSY):
            yield find_run(run_id)  # it may have been deleted while this one waited
    except FileNotFoundError as error:
        if folder.path.is_dir():
            raise
        raise RunError("There is no such run on this machine.") from error


def _launch(folder: RunFolder) -> RunFolder:
    store = open_store(settings().store)
    store.set_status(folder.run_id, "SCHEDULED")
    try:
        start_work(folder)
    except RunError as error:
        folder.fail(str(error))
        store.set_status(folder.run_id, "FAILED", str(error))
        raise
    return folder


def cancel_run(run_id: str) -> None:
    """Stop a run; it can be resumed.

    A worker of another host, and Slurm's where Slurm does not answer, see the mark that is left for
    them before their next batch of images and stop by themselves; until then the run is running.

    Raises:
        RunError: Slurm does not answer, so that jobs which wait stay in its queue.
    """
    require("train")
    with _deciding(run_id) as folder:
        if state_of(folder, deciding=True)[0] not in {"pending", "running", "unknown"}:
            return
        folder.mark("cancelled")
        try:
            stop_work(folder)
        except SlurmSilentError as error:
            raise RunError(
                "Slurm does not answer. Jobs that work will stop by themselves; stop the run again "
                "when Slurm is back, so that none that waits stays in its queue."
            ) from error
        if state_of(folder, deciding=True)[0] == "cancelled":
            open_store(settings().store).set_status(run_id, "KILLED")


def delete_run(run_id: str) -> None:
    """Remove a run for good: folder, checkpoints, predictions, bundle, and its place in the store.

    Raises:
        RunError: it is still going, nobody knows whether it is, its model is in use, or a run that has not
            ended starts from its weights.
    """
    require("train")
    with _deciding(run_id) as folder:
        state, reason = state_of(folder, deciding=True)
        if state == "unknown":
            raise RunError(reason)
        if state in {"pending", "running"}:
            raise RunError("The run is still going; stop it first.")
        refuse_needed_run(run_id)
        with changing_model_in_use():  # it could be promoted between the look and the deletion
            if bundle_in_use().run_id == run_id:
                raise RunError("The run's model is in use on the classify page; roll back first.")
            gone = folder.path.rename(folder.path.with_name(f"{DELETED}{run_id}"))
            try:
                open_store(settings().store).delete(run_id)
            except BaseException:
                gone.rename(folder.path)  # it did not come to that
                raise
    shutil.rmtree(gone)


def all_runs() -> list[tuple[RunFolder, RunStatus]]:
    """Every run of this machine, the newest first; the run store is put right where it lags."""
    known = {run["run_id"]: run for run in open_store(settings().store).summaries()}
    found = []
    for run_id, run in known.items():
        folder = RunFolder(runs_folder() / run_id)
        if not folder.path.is_dir():
            continue
        try:
            found.append((folder, _looked_at(folder, run["status"])))
        except (OSError, MlflowException):
            if folder.path.is_dir():
                raise  # else somebody has deleted it meanwhile
    return found


def _looked_at(folder: RunFolder, told: str) -> RunStatus:
    """How a run stands; the store is told where it says something else."""
    try:
        stands = status(folder)
    except RunError as error:
        stands = RunStatus("failed", str(error), (0,), 1, None)
    if _STORE_WORDS.get(stands.state, told) != told:
        words = _STORE_WORDS[stands.state]
        open_store(settings().store).set_status(folder.run_id, words, stands.reason)
    return stands


def estimate_seconds(plan: Plan | PretrainPlan, steps: int = 2) -> float:
    """Seconds that a plan should take here, from a trial of a few training steps.

    Raises:
        RunError, ManifestError: the plan cannot be run.
    """
    require("train")
    from vmcore.runs.estimate import estimate  # noqa: PLC0415

    return estimate(plan, steps)


def _environment() -> dict[str, object]:
    import torch  # noqa: PLC0415

    git = shutil.which("git")
    revision = ""
    if git:
        root = Path(__file__).resolve().parent
        asked = [git, "-C", str(root), "describe", "--always", "--dirty", "--exclude=*"]
        revision = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603
    return {
        "ventriscope": __version__,
        "revision": revision or "unknown",
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.system(),
        "gpu": torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none",
        "packages": {name: version(name) for name in _PACKAGES},
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }


__all__ = [
    "RunStatus",
    "all_runs",
    "cancel_run",
    "delete_run",
    "estimate_seconds",
    "find_run",
    "resume_run",
    "start_run",
    "status",
]
