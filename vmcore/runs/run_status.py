"""How a run stands: told by its files and by whoever does its work, true after any crash or restart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vmcore.runs.epoch_under_way import under_way
from vmcore.runs.folder import RunFolder
from vmcore.runs.launching import other_host, why_ended, work_life
from vmcore.runs.locks import held
from vmcore.runs.slurm import SlurmSilentError

State = Literal["pending", "running", "finished", "failed", "cancelled", "unknown"]


@dataclass(frozen=True, slots=True)
class RunStatus:
    """How a run stands.

    Attributes:
        state: pending, running, finished, failed, cancelled, or unknown where whoever does its work
            does not answer; an unknown run can be neither resumed nor deleted.
        reason: why it failed, is unknown, or goes on though it was stopped, in a sentence; else empty.
        epochs: epochs done of each part (fold).
        planned: epochs of each part that the plan asks for.
        remaining_s: seconds that the rest should take, from the epochs done or, within the first, from
            its steps; None before there are any.
        under_way: share that is done of each part's epoch under way, 0..1; none where nothing runs.
    """

    state: State
    reason: str
    epochs: tuple[int, ...]
    planned: int
    remaining_s: float | None
    under_way: tuple[float, ...] = ()

    @property
    def progress(self) -> float:
        """Share of all epochs that is done, 0..1."""
        return (sum(self.epochs) + sum(self.under_way)) / (self.planned * len(self.epochs))


def status(folder: RunFolder) -> RunStatus:
    """How a run stands now, told by its files and by whoever does its work."""
    plan = folder.plan()
    taken = [folder.seconds(part) for part in plan.parts]
    epochs = tuple(len(seconds) for seconds in taken)
    state, reason = state_of(folder)
    told = []
    if state == "running":
        parts = zip(plan.parts, epochs, strict=True)
        told = [one for part, done in parts if (one := under_way(folder.path / part, done))]
    latest = [one for seconds in taken for one in seconds][-20:]
    latest = latest or [one.seconds for one in told if one.seconds is not None]
    shares = tuple(one.share for one in told)
    left = plan.epochs * len(plan.parts) - sum(epochs) - sum(shares)
    remaining = left * sum(latest) / len(latest) if latest else None
    return RunStatus(state, reason, epochs, plan.epochs, remaining, shares)


def state_of(folder: RunFolder, *, deciding: bool = False) -> tuple[State, str]:
    """A run's state and the sentence to it.

    Args:
        folder: the run.
        deciding: for one who holds the run's control lock; nothing is taken from a moment ago.
    """
    if folder.marked("finished.json"):
        return "finished", ""
    try:
        life = work_life(folder, now=deciding)
    except SlurmSilentError as error:
        return "unknown", str(error)
    if life == "gone":
        return _ended(folder, deciding=deciding)
    state: State = "running" if life == "alive" and folder.marked("started") else "pending"
    return state, _stopping(folder) if folder.marked("cancelled") else ""


def _stopping(folder: RunFolder) -> str:
    host = other_host(folder)
    where = f"on the host {host} " if host else ""
    return f"The run was told to stop; its worker {where}will do so before its next batch."


def _ended(folder: RunFolder, *, deciding: bool) -> tuple[State, str]:
    if folder.marked("finished.json"):  # it ended between two looks
        return "finished", ""
    if folder.marked("cancelled"):
        return "cancelled", ""
    if folder.marked("failure.json"):
        return "failed", str(folder.read_json("failure.json").get("reason", ""))
    if not deciding and held(folder.control_lock):
        return "pending", ""  # somebody is just starting it
    told = why_ended(folder)
    ended = f"Slurm ended its jobs ({told})" if told else "Its process ended without a word"
    reason = f"{ended}: killed, out of memory, or the machine went down. Resume it."
    return "failed", reason
