"""Start a run's worker and ask later whether it still lives: a local process, or Slurm jobs."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Literal, Protocol

import submitit
from submitit.helpers import CommandFunction

from vmcore.runs import slurm
from vmcore.runs.errors import RunError
from vmcore.runs.folder import RunFolder
from vmcore.runs.machine import is_here
from vmcore.runs.plan import Plan
from vmcore.runs.processes import Job, end_process, is_alive, spawn
from vmcore.settings import settings

Life = Literal["waiting", "alive", "gone"]
_ROOT = Path(__file__).resolve().parent.parent.parent
_STARTING = "vmcore.runs.starting"
_INTO_LOG = 'log=$1; shift; exec "$@" >>"$log" 2>&1'  # what workers say belongs to the run


class Launcher(Protocol):
    """Something that can do a run's work."""

    def start(self, folder: RunFolder, worker: str, folds: list[int]) -> Job:
        """Start a worker; returns what ``job.json`` keeps.

        Args:
            folder: the run.
            worker: its module.
            folds: those that are not done; none where all are, or where the run has no folds.
        """

    def life(self, folder: RunFolder, job: Job, *, now: bool) -> Life:
        """Whether the work waits, goes on, or has ended in whatever way."""

    def stop(self, folder: RunFolder, job: Job) -> None:
        """End it now, where that can be done from here; checkpoints are whole at any moment."""


class LocalLauncher:
    """A process of its own on this machine that outlives the app; it waits in line for a device."""

    def start(self, folder: RunFolder, worker: str, folds: list[int]) -> Job:
        """See :class:`Launcher`.

        Raises:
            RunError: a worker is at it already.
        """
        del folds  # one worker does all of them, one after the other
        return spawn(folder.log, folder.worker_lock, _STARTING, worker, str(folder.path))

    def life(self, folder: RunFolder, job: Job, *, now: bool) -> Life:
        """See :class:`Launcher`."""
        del now  # a lock is always asked anew
        return "alive" if is_alive(job, folder.worker_lock) else "gone"

    def stop(self, folder: RunFolder, job: Job) -> None:
        """See :class:`Launcher`; a worker of another host sees the mark "cancelled" by itself."""
        del folder
        end_process(job)


class SlurmLauncher:
    """An array of Slurm jobs, a fold each, whose last one to end finishes the run; else one job."""

    def start(self, folder: RunFolder, worker: str, folds: list[int]) -> Job:
        """See :class:`Launcher`.

        Raises:
            RunError: Slurm is not there, does not answer, or refuses.
        """
        chosen = settings()
        ending = [job.number for job in slurm.jobs_of(folder.run_id, now=True) if job.ended]
        after = {"dependency": ":".join(["afterany", *ending])} if ending else None
        try:
            executor = submitit.SlurmExecutor(folder.path / "slurm", python=sys.executable)
            executor.update_parameters(
                job_name=slurm.job_name(folder.run_id),
                time=chosen.slurm_minutes,
                cpus_per_task=chosen.slurm_cpus,
                array_parallelism=chosen.slurm_parallel,
                partition=chosen.slurm_partition,
                mem=None if chosen.slurm_memory_gb is None else f"{chosen.slurm_memory_gb}GB",
                gpus_per_node=chosen.slurm_gpus or None,
                additional_parameters=after,  # two workers must never be at one fold
            )
            words = [sys.executable, "-m", _STARTING, worker, str(folder.path)]
            work = CommandFunction(
                ["sh", "-c", _INTO_LOG, "worker", str(folder.log), *words], cwd=str(_ROOT)
            )
            if folds:
                jobs = executor.map_array(lambda fold: work("--fold", str(fold)), folds)
            else:
                jobs = [executor.submit(work)]
        except (submitit.core.utils.FailedJobError, RuntimeError, OSError, ValueError) as error:
            said = str(error).strip().splitlines()[-1:] or [type(error).__name__]
            raise RunError(f"Slurm did not take the run: {said[0]}") from error
        return {"jobs": [job.job_id for job in jobs]}

    def life(self, folder: RunFolder, job: Job, *, now: bool) -> Life:
        """See :class:`Launcher`.

        Raises:
            vmcore.runs.slurm.SlurmSilentError: nobody knows.
        """
        asked = job.get("asked")
        after = float(asked) if isinstance(asked, int | float) else 0.0
        left = [one for one in slurm.jobs_of(folder.run_id, after=after, now=now) if not one.ended]
        if not left:
            return "gone"
        return "waiting" if all(one.waits for one in left) else "alive"

    def stop(self, folder: RunFolder, job: Job) -> None:
        """See :class:`Launcher`.

        Raises:
            vmcore.runs.slurm.SlurmSilentError: Slurm was not told.
        """
        del job
        left = [one.number for one in slurm.jobs_of(folder.run_id, now=True) if not one.ended]
        if not left:
            return
        told = slurm.command("scancel", *left) is not None
        still = [one for one in slurm.jobs_of(folder.run_id, now=True) if not one.ended]
        if still and not told:
            raise slurm.SlurmSilentError("Slurm did not take the order to stop the run's jobs.")


def launcher(kind: str | None = None) -> Launcher:
    """The launcher of that kind, or the one that the settings name."""
    kind = kind or settings().launcher
    return SlurmLauncher() if kind == "slurm" else LocalLauncher()


def start_work(folder: RunFolder) -> None:
    """Start on what is left to do and keep in ``job.json`` who does it, beside all who did before.

    Raises:
        RunError: it cannot be started.
    """
    plan, former = folder.plan(), folder.read_json("job.json")
    kind = settings().launcher
    folds = range(1, plan.folds + 1) if isinstance(plan, Plan) else ()
    left = [number for number in folds if not folder.fold_done(number)]
    asked: Job = {"launcher": kind, "asked": time.time(), "earlier": _numbers(former)}
    folder.mark("job.json", json.dumps(asked))  # where this process ends now, Slurm is still asked
    started = launcher(kind).start(folder, plan.worker, left) | {"asked": time.time()}
    folder.mark("job.json", json.dumps(asked | started))


def work_life(folder: RunFolder, *, now: bool = False) -> Life:
    """Whether anybody that was ever asked to do a run's work is still at it.

    Args:
        folder: the run.
        now: take no answer from a moment ago, because something is decided by this one.

    Raises:
        vmcore.runs.slurm.SlurmSilentError: nobody knows.
    """
    job = folder.read_json("job.json")
    lives = [launcher(kind).life(folder, job, now=now) for kind in _kinds(job)]
    return "alive" if "alive" in lives else "waiting" if "waiting" in lives else "gone"


def stop_work(folder: RunFolder) -> None:
    """End a run's work where that can be done from here.

    Raises:
        vmcore.runs.slurm.SlurmSilentError: Slurm was not told.
    """
    job = folder.read_json("job.json")
    for kind in _kinds(job):
        launcher(kind).stop(folder, job)


def why_ended(folder: RunFolder) -> str:
    """Why Slurm ended a run's jobs, as far as it remembers; empty where it was not asked to do any."""
    jobs = folder.read_json("job.json").get("jobs")
    return slurm.reason([str(number) for number in jobs]) if isinstance(jobs, list) else ""


def other_host(folder: RunFolder) -> str:
    """Name of the host whose process does the work; empty where it is this one, or Slurm's."""
    job = folder.read_json("job.json")
    return "" if "pid" not in job or is_here(job) else str(job.get("host", "another one"))


def _kinds(job: Job) -> list[str]:
    slurms = job.get("launcher") == "slurm" or job.get("earlier")
    return ["local", "slurm"] if slurms else ["local"]


def _numbers(job: Job) -> list[str]:
    """Every number that Slurm ever gave a run's jobs."""
    lists = (job.get("earlier"), job.get("jobs"))
    return [str(number) for some in lists if isinstance(some, list) for number in some]
