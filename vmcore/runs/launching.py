"""Start a run's worker and ask later whether it still lives: a local process, or Slurm jobs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Literal, Protocol

import submitit
from submitit.helpers import CommandFunction

from vmcore.runs.folder import RunFolder
from vmcore.runs.plan import RunError
from vmcore.runs.processes import Job, end_process, find_process, spawn
from vmcore.settings import settings

Life = Literal["waiting", "alive", "gone"]
_ROOT = Path(__file__).resolve().parent.parent.parent
_INTO_LOG = 'log=$1; shift; exec "$@" >>"$log" 2>&1'  # what workers say belongs to the run


class Launcher(Protocol):
    """Something that can do a run's work."""

    def start(self, folder: RunFolder, folds: list[int]) -> Job:
        """Start on these folds (all done: finish only); returns what ``job.json`` keeps."""

    def life(self, job: Job) -> Life:
        """Whether the work waits, goes on, or has ended in whatever way."""

    def stop(self, job: Job) -> None:
        """End it now; checkpoints are whole at any moment."""


class LocalLauncher:
    """A process of its own on this machine that outlives the app; it waits in line for a device."""

    def start(self, folder: RunFolder, folds: list[int]) -> Job:
        """See :class:`Launcher`."""
        del folds  # one worker does all of them, one after the other
        return {"launcher": "local"} | spawn(folder.log, "vmcore.runs.worker", str(folder.path))

    def life(self, job: Job) -> Life:
        """See :class:`Launcher`."""
        return "gone" if find_process(job) is None else "alive"

    def stop(self, job: Job) -> None:
        """See :class:`Launcher`."""
        end_process(job)


class SlurmLauncher:
    """An array of Slurm jobs, a fold each; the last one to end finishes the run."""

    def start(self, folder: RunFolder, folds: list[int]) -> Job:
        """See :class:`Launcher`.

        Raises:
            RunError: Slurm is not there or refuses.
        """
        chosen = settings()
        try:
            executor = submitit.SlurmExecutor(folder.path / "slurm", python=sys.executable)
            executor.update_parameters(
                job_name=f"ventriscope-{folder.run_id[:8]}",
                time=chosen.slurm_minutes,
                cpus_per_task=chosen.slurm_cpus,
                array_parallelism=chosen.slurm_parallel,
                partition=chosen.slurm_partition,
                mem=None if chosen.slurm_memory_gb is None else f"{chosen.slurm_memory_gb}GB",
                gpus_per_node=chosen.slurm_gpus or None,
            )
            worker = [sys.executable, "-m", "vmcore.runs.worker", str(folder.path)]
            work = CommandFunction(
                ["sh", "-c", _INTO_LOG, "worker", str(folder.log), *worker], cwd=str(_ROOT)
            )
            if folds:
                jobs = executor.map_array(lambda fold: work("--fold", str(fold)), folds)
            else:
                jobs = [executor.submit(work)]
        except (submitit.core.utils.FailedJobError, RuntimeError, OSError, ValueError) as error:
            said = str(error).strip().splitlines()[-1:] or [type(error).__name__]
            raise RunError(f"Slurm did not take the run: {said[0]}") from error
        return {"launcher": "slurm", "jobs": [job.job_id for job in jobs]}

    def life(self, job: Job) -> Life:
        """See :class:`Launcher`."""
        states = _queue(job)
        if not states:
            return "gone"
        waiting = {"PENDING", "CONFIGURING", "REQUEUED", "SUSPENDED"}
        return "waiting" if set(states) <= waiting else "alive"

    def stop(self, job: Job) -> None:
        """See :class:`Launcher`."""
        numbers = _numbers(job)
        if numbers:
            _slurm("scancel", *numbers)


def _numbers(job: Job) -> list[str]:
    jobs = job.get("jobs")
    return [str(number) for number in jobs] if isinstance(jobs, list) else []


def _queue(job: Job) -> list[str]:
    """States of those jobs that Slurm still has in its queue."""
    numbers = ",".join(_numbers(job))
    said = _slurm("squeue", "--noheader", "--array", "--format=%T", f"--jobs={numbers}")
    ended = {"COMPLETED", "COMPLETING", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL"}
    return [line for line in said.split() if line not in ended]


def slurm_reason(job: Job) -> str:
    """Why Slurm ended a run's jobs, as far as it still remembers; empty where it does not."""
    reasons = []
    for number in _numbers(job):
        for field in _slurm("scontrol", "--oneliner", "show", "job", number).split():
            state = field.removeprefix("JobState=")
            if field.startswith("JobState=") and state not in {"COMPLETED", "RUNNING", "PENDING"}:
                reasons.append(f"{number} {state.lower().replace('_', ' ')}")
    return ", ".join(reasons)


def _slurm(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RunError(
            f"Slurm does not answer ({command[0]}); its jobs' state is unknown."
        ) from error
    return done.stdout


def launcher(kind: str | None = None) -> Launcher:
    """The launcher of a job, or the one that the settings name."""
    kind = kind or settings().launcher
    return SlurmLauncher() if kind == "slurm" else LocalLauncher()


def write_job(folder: RunFolder, job: Job) -> None:
    """Keep who does the work."""
    folder.mark("job.json", json.dumps(job))
