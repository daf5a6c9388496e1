"""A run's folder: what is in it, and what it says about the run.

RUN/plan.json           the plan
RUN/splits.csv          image, subject, label, part: "test" or the fold that validates it
RUN/images.txt          digests of the original files, in the order of the splits' images
RUN/environment.json    versions, revision, machine, digest of the images, what it starts from
RUN/pairs.npz           pairs of normal heads that folds learn from, where the plan asks for them,
                        until it is done
RUN/log.txt             what the workers said
RUN/job.json            who was asked to do the work, how and where, and Slurm's numbers of before
RUN/worker.lock         held by a process that works, whichever host it is on
RUN/control.lock        held while the run is started, resumed, stopped or deleted
RUN/started             a worker has a device and works (before that the run waits for one)
RUN/fold-K/learnt.txt               digests of all images that its weights have learnt from
RUN/fold-K/checkpoint.safetensors   while the fold is trained
RUN/fold-K/under_way.json           how far the epoch under way has come
RUN/fold-K/history.json             every epoch's figures
RUN/fold-K/best.safetensors, predictions.csv   when it is done
RUN/cancelled, failure.json, finished.json     how it ended

A pretraining has no folds, and beside the above

RUN/learnt.txt, checkpoint.safetensors, under_way.json, history.json   as those of a fold
RUN/reconstructions/epoch-NNN.png   what it draws of a few images after so many epochs
RUN/mae_ARCHITECTURE.pth, weights.safetensors   when it is done, the second one last
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from vmcore.files import write_atomically
from vmcore.runs.errors import RunError
from vmcore.runs.plan import Plan
from vmcore.runs.pretraining_plan import PretrainPlan
from vmcore.runs.run_plan import read_plan
from vmcore.settings import settings
from vmcore.training import EpochResult, PretrainEpoch

MAKING = ".new-"
"""How the name of a run's folder begins until all is in it that a run begins with."""
_TAIL_BYTES = 16_384


def runs_folder() -> Path:
    """Where all runs lie."""
    return settings().store / "runs"


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Paths and marks of one run."""

    path: Path

    @property
    def run_id(self) -> str:
        """The run's identifier in the run store."""
        return self.path.name

    @property
    def log(self) -> Path:
        """Everything that the workers said."""
        return self.path / "log.txt"

    @property
    def worker_lock(self) -> Path:
        """Held by the process that does the work, as long as it lives."""
        return self.path / "worker.lock"

    @property
    def control_lock(self) -> Path:
        """Held while the run is started, resumed, stopped or deleted."""
        return self.path / "control.lock"

    def plan(self) -> Plan | PretrainPlan:
        """The plan, of whatever kind the run is.

        Raises:
            RunError: it is missing or damaged.
        """
        try:
            return read_plan((self.path / "plan.json").read_text())
        except (OSError, ValueError) as error:
            raise RunError(f"The plan of run {self.run_id} is missing or damaged.") from error

    def cross_validation(self) -> Plan:
        """The plan of a cross-validation.

        Raises:
            RunError: it is missing or damaged, or the run is of another kind.
        """
        plan = self.plan()
        if not isinstance(plan, Plan):
            raise RunError(f"Run {self.run_id} is a pretraining, not a cross-validation.")
        return plan

    def pretraining(self) -> PretrainPlan:
        """The plan of a pretraining.

        Raises:
            RunError: it is missing or damaged, or the run is of another kind.
        """
        plan = self.plan()
        if not isinstance(plan, PretrainPlan):
            raise RunError(f"Run {self.run_id} is a cross-validation, not a pretraining.")
        return plan

    @property
    def pretrained(self) -> Path:
        """A pretraining's weights, encoder and decoder; there when it is done."""
        return self.path / "weights.safetensors"

    def public_weights(self, architecture: str) -> Path:
        """The same as a pickled state dict with the public USF-MAE's keys, for other programs."""
        return self.path / f"mae_{architecture}.pth"

    @property
    def is_pretraining(self) -> bool:
        """Whether the run is a pretraining; False where its plan cannot be read."""
        try:
            return isinstance(self.plan(), PretrainPlan)
        except RunError:
            return False

    def splits(self) -> pd.DataFrame:
        """Image and subject by number, label, part; all as text.

        Raises:
            RunError: they are missing or damaged.
        """
        try:
            return pd.read_csv(self.path / "splits.csv", dtype=str)
        except (OSError, ValueError) as error:
            raise RunError(f"The splits of run {self.run_id} are missing or damaged.") from error

    def fold(self, number: int) -> Path:
        """Folder of a fold, counted from 1."""
        return self.path / f"fold-{number}"

    def checkpoint(self, number: int) -> Path:
        """The file that a fold goes on from."""
        return self.fold(number) / "checkpoint.safetensors"

    def fold_done(self, number: int) -> bool:
        """Whether a fold's predictions are there; they are written last."""
        return (self.fold(number) / "predictions.csv").is_file()

    def seconds(self, part: str) -> list[float]:
        """Seconds of every finished epoch of one of the plan's parts."""
        return [float(entry["seconds"]) for entry in self._epochs(self.path / part)]

    def history(self, number: int) -> list[EpochResult]:
        """Every finished epoch of a fold."""
        return [EpochResult(**entry) for entry in self._epochs(self.fold(number))]

    def pretrain_history(self) -> list[PretrainEpoch]:
        """Every finished epoch of a pretraining."""
        return [PretrainEpoch(**entry) for entry in self._epochs(self.path)]

    @staticmethod
    def _epochs(part: Path) -> list[dict[str, Any]]:
        file = part / "history.json"
        return json.loads(file.read_text()) if file.is_file() else []

    def write_history(
        self, part: str, history: Sequence[EpochResult] | Sequence[PretrainEpoch]
    ) -> None:
        """Replace the history of one of the plan's parts."""
        text = json.dumps([asdict(result) for result in history])
        write_atomically(self.path / part / "history.json", text)

    def mark(self, name: str, content: str = "") -> None:
        """Set a mark."""
        write_atomically(self.path / name, content)

    def clear(self, *names: str) -> None:
        """Take marks away."""
        for name in names:
            (self.path / name).unlink(missing_ok=True)

    def marked(self, name: str) -> bool:
        """Whether a mark is set."""
        return (self.path / name).is_file()

    def read_json(self, name: str) -> dict[str, object]:
        """A mark's content; empty where it is not set."""
        file = self.path / name
        return json.loads(file.read_text()) if file.is_file() else {}

    def fail(self, reason: str) -> None:
        """Note why the run failed; the first reason stands."""
        if not self.marked("failure.json"):
            self.mark("failure.json", json.dumps({"reason": reason}))

    def results(self) -> dict[str, list[dict[str, object]]]:
        """Tables of a finished run, by title; empty before."""
        tables = self.read_json("finished.json").get("metrics")
        return tables if isinstance(tables, dict) else {}

    def tail(self, lines: int = 30) -> str:
        """The log's end."""
        if not self.log.is_file():
            return ""
        with self.log.open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(max(size - _TAIL_BYTES, 0))
            text = stream.read().decode(errors="replace")
        return "\n".join(text.splitlines()[-lines:])
