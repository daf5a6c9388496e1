"""Start, stop, resume, clone and watch runs. What it says is true after any crash or restart."""

from __future__ import annotations

import platform
import shutil
import subprocess
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import torch

from vmcore import __version__
from vmcore.data import load_study
from vmcore.models import FetchProgress
from vmcore.runs.folder import RunFolder, runs_folder
from vmcore.runs.launching import launcher, slurm_reason, write_job
from vmcore.runs.lineage import find_starts
from vmcore.runs.plan import Plan, RunError
from vmcore.runs.record import as_json, open_store
from vmcore.runs.weights import describe_start, starting_model
from vmcore.settings import settings

State = Literal["pending", "running", "finished", "failed", "cancelled"]
_STORE_WORDS = {
    "pending": "SCHEDULED",
    "running": "RUNNING",
    "finished": "FINISHED",
    "failed": "FAILED",
    "cancelled": "KILLED",
}
_PACKAGES = ("torch", "torchvision", "timm", "lightning-fabric", "numpy", "scikit-learn", "pydicom")


@dataclass(frozen=True, slots=True)
class RunStatus:
    """How a run stands.

    Attributes:
        state: pending, running, finished, failed or cancelled.
        reason: why it failed, in a sentence; else empty.
        epochs: epochs done of each fold.
        planned: epochs of each fold that the plan asks for.
        remaining_s: seconds that the rest should take, from the epochs done; None before the first.
    """

    state: State
    reason: str
    epochs: tuple[int, ...]
    planned: int
    remaining_s: float | None

    @property
    def progress(self) -> float:
        """Share of all epochs that is done, 0..1."""
        return sum(self.epochs) / (self.planned * len(self.epochs))


def find_run(run_id: str) -> RunFolder:
    """The folder of a run.

    Raises:
        RunError: there is none of that name.
    """
    folder = RunFolder(runs_folder() / run_id)
    if not run_id.isalnum() or not folder.path.is_dir():
        raise RunError("There is no such run on this machine.")
    return folder


def start_run(plan: Plan, *, on_fetch: FetchProgress | None = None) -> RunFolder:
    """Check a plan, note it in the run store, write its folder and start its worker.

    Args:
        plan: what is to be run.
        on_fetch: called with (bytes done, in all or None) while public weights are fetched.

    Raises:
        RunError, ManifestError: what is wrong, before anything was written or started.
    """
    study = load_study(plan.study)
    splits = plan.splits(study)
    starts = find_starts(plan, study, splits)
    starting_model(plan, starts[0], progress=on_fetch)  # what cannot be had fails here, at once
    known = {"study_digest": study.digest, "starting_weights": describe_start(plan, starts)}
    folder = RunFolder(runs_folder() / open_store(settings().store).create(plan))
    folder.path.mkdir(parents=True)
    folder.mark("splits.csv", splits.table(study.table).to_csv(index=False))
    folder.mark("environment.json", as_json(_environment() | known))
    folder.mark("plan.json", plan.model_dump_json(indent=2) + "\n")
    folder.log.touch()
    return _launch(folder)


def resume_run(run_id: str) -> RunFolder:
    """Go on with a run that was cancelled, failed, or whose worker died.

    Raises:
        RunError: it is finished, or still going.
    """
    folder = find_run(run_id)
    state = status(folder).state
    if state in {"pending", "running", "finished"}:
        raise RunError(f"The run is {state}; there is nothing to resume.")
    folder.clear("cancelled", "failure.json", "started")
    return _launch(folder)


def _launch(folder: RunFolder) -> RunFolder:
    plan = folder.plan()
    store = open_store(settings().store)
    rest = [number for number in range(1, plan.folds + 1) if not folder.fold_done(number)]
    store.set_status(folder.run_id, "SCHEDULED")
    try:
        write_job(folder, launcher().start(folder, rest))
    except RunError as error:
        folder.fail(str(error))
        store.set_status(folder.run_id, "FAILED", str(error))
        raise
    return folder


def cancel_run(run_id: str) -> None:
    """Stop a run; it can be resumed."""
    folder = find_run(run_id)
    if status(folder).state not in {"pending", "running"}:
        return
    folder.mark("cancelled")
    job = folder.read_json("job.json")
    launcher(str(job.get("launcher"))).stop(job)
    open_store(settings().store).set_status(run_id, "KILLED")


def delete_run(run_id: str) -> None:
    """Remove a run's folder and mark it deleted in the store; its bundle goes with it.

    Raises:
        RunError: it is still going.
    """
    folder = find_run(run_id)
    if status(folder).state in {"pending", "running"}:
        raise RunError("The run is still going; stop it first.")
    open_store(settings().store).client.delete_run(run_id)
    shutil.rmtree(folder.path)


def status(folder: RunFolder) -> RunStatus:
    """How a run stands now, told by its files and by whoever does its work."""
    plan = folder.plan()
    histories = [folder.history(number) for number in range(1, plan.folds + 1)]
    epochs = tuple(len(history) for history in histories)
    state, reason = _state(folder)
    seconds = [result.seconds for history in histories for result in history]
    left = plan.settings.epochs * plan.folds - sum(epochs)
    remaining = left * sum(seconds[-20:]) / len(seconds[-20:]) if seconds else None
    return RunStatus(state, reason, epochs, plan.settings.epochs, remaining)


def _state(folder: RunFolder) -> tuple[State, str]:
    if folder.marked("finished.json"):
        return "finished", ""
    job = folder.read_json("job.json")
    kind = str(job.get("launcher", "local"))
    life = launcher(kind).life(job)
    if life != "gone":
        return ("running" if life == "alive" and folder.marked("started") else "pending"), ""
    return _ended(folder, job, kind)


def _ended(folder: RunFolder, job: dict[str, object], kind: str) -> tuple[State, str]:
    state: State = "failed"
    reason = ""
    if folder.marked("finished.json"):  # it ended between two looks
        state = "finished"
    elif folder.marked("cancelled"):
        state = "cancelled"
    elif folder.marked("failure.json"):
        reason = str(folder.read_json("failure.json").get("reason", ""))
    else:
        told = slurm_reason(job) if kind == "slurm" else ""
        ended = f"Slurm ended its jobs ({told})" if told else "Its process ended without a word"
        reason = f"{ended}: killed, out of memory, or the machine went down. Resume it."
    return state, reason


def all_runs() -> list[tuple[RunFolder, RunStatus]]:
    """Every run of this machine, the newest first; the run store is put right where it lags."""
    known = {run["run_id"]: run for run in open_store(settings().store).summaries()}
    found = []
    for run_id, run in known.items():
        folder = RunFolder(runs_folder() / run_id)
        if not folder.path.is_dir():
            continue
        try:
            stands = status(folder)
        except RunError as error:
            stands = RunStatus("failed", str(error), (0,), 1, None)
        if _STORE_WORDS[stands.state] != run["status"]:
            open_store(settings().store).set_status(
                run_id, _STORE_WORDS[stands.state], stands.reason
            )
        found.append((folder, stands))
    return found


def estimate_seconds(plan: Plan, steps: int = 2) -> float:
    """Seconds that a plan should take here, from a trial of a few training steps.

    Raises:
        RunError, ManifestError: the plan cannot be run.
    """
    from vmcore.runs.trial import seconds_per_image  # noqa: PLC0415  only this needs it

    study = load_study(plan.study)
    splits = plan.splits(study)
    forth_and_back, forth = seconds_per_image(plan, steps)
    images = sum(len(f.train) * forth_and_back + len(f.validation) * forth for f in splits.folds)
    return plan.settings.epochs * images


def _environment() -> dict[str, object]:
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
