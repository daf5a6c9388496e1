"""What Slurm says of a run's jobs; a controller that does not answer has said nothing.

Jobs are known by their name, which holds the run's number: so those are found, too, whose numbers
were lost, and nobody else's are taken for them.
"""

from __future__ import annotations

import subprocess
import threading
import time
from dataclasses import dataclass

from vmcore.runs.errors import RunError

_PAGE_S, _DECISION_S = 4.0, 12.0  # patience with Slurm: of a page that is drawn, of one who presses
_FRESH_S, _SILENT_S = 1.0, 10.0  # how long an answer, or none, counts for all pages and runs
_ENDED = {
    "BOOT_FAIL", "CANCELLED", "COMPLETED", "COMPLETING", "DEADLINE", "FAILED", "NODE_FAIL",
    "OUT_OF_MEMORY", "TIMEOUT",
}  # fmt: skip
_WAITING = {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "SUSPENDED"}


class SlurmSilentError(RunError):
    """Slurm's controller does not answer: nobody knows how its jobs stand."""


@dataclass(frozen=True, slots=True)
class QueuedJob:
    """One line of Slurm's queue: the job's number (with its place in the array), state and name."""

    number: str
    state: str
    name: str

    @property
    def ended(self) -> bool:
        """Whether its work is over, though Slurm may still be putting things away."""
        return self.state in _ENDED

    @property
    def waits(self) -> bool:
        """Whether it has not begun."""
        return self.state in _WAITING


@dataclass(frozen=True, slots=True)
class _Answer:
    asked: float
    jobs: list[QueuedJob] | None


_asking = threading.Lock()  # many sessions ask once
_last: list[_Answer] = []


def job_name(run_id: str) -> str:
    """The name of a run's jobs."""
    return f"ventriscope-{run_id}"


def jobs_of(run_id: str, *, after: float = 0.0, now: bool = False) -> list[QueuedJob]:
    """Those jobs of a run that Slurm has in its queue.

    Args:
        run_id: the run.
        after: an answer from before this time (seconds since 1970) does not count.
        now: ask anew and wait longer, because something is decided by the answer.

    Raises:
        SlurmSilentError: there is no answer.
    """
    names = {job_name(run_id), job_name(run_id[:8])}  # the short one is that of former releases
    return [job for job in _queue(after, now=now) if job.name in names]


def _queue(after: float, *, now: bool) -> list[QueuedJob]:
    with _asking:
        answer = _last[-1] if _last else None
        if answer is None or now or not _counts(answer, after):
            answer = _ask(_DECISION_S if now else _PAGE_S)
            _last[:] = [answer]
    if answer.jobs is None:
        raise SlurmSilentError(
            "Slurm does not answer, so nobody knows whether the run's jobs still work. Nothing is "
            "changed; look again when Slurm is back."
        )
    return answer.jobs


def _counts(answer: _Answer, after: float) -> bool:
    age = time.time() - answer.asked
    if answer.jobs is None:
        return 0 <= age < _SILENT_S
    return 0 <= age < _FRESH_S and answer.asked > after


def _ask(patience: float) -> _Answer:
    asked = time.time()
    said = command("squeue", "--noheader", "--array", "--format=%i|%T|%j", patience=patience)
    if said is None:
        return _Answer(time.time(), None)
    fields = [line.split("|", 2) for line in said.splitlines()]
    return _Answer(asked, [QueuedJob(*line) for line in fields if len(line) == 3])


def reason(numbers: list[str]) -> str:
    """Why Slurm ended jobs, as far as it still remembers; empty where it does not."""
    reasons = []
    for number in numbers:
        said = command("scontrol", "--oneliner", "show", "job", number, patience=_PAGE_S) or ""
        for field in said.split():
            state = field.removeprefix("JobState=")
            if field.startswith("JobState=") and state not in {"COMPLETED", "RUNNING", "PENDING"}:
                reasons.append(f"{number} {state.lower().replace('_', ' ')}")
    return ", ".join(reasons)


def command(*words: str, patience: float = _DECISION_S) -> str | None:
    """What one of Slurm's commands printed; None where it failed or took too long."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=patience, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
