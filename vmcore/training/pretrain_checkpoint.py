"""What a pretraining needs to go on after its process died: where it was, weights, optimiser."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import nn
from torch.optim import Optimizer

from vmcore.training.checkpoint import CheckpointError, read_training, restore, write_training


@dataclass(frozen=True, slots=True)
class Position:
    """Where a pretraining is.

    Attributes:
        history: the finished epochs.
        step: steps done in the epoch that is under way.
        total: sum of its images' losses so far.
        seconds: that it has taken so far.
    """

    history: tuple[dict[str, Any], ...] = ()
    step: int = 0
    total: float = 0.0
    seconds: float = 0.0


def save_position(
    path: Path, model: nn.Module, optimizer: Optimizer, at: Position, plan: str
) -> None:
    """Write everything; the file before it stays until this one is complete.

    Args:
        path: the file.
        model: its present weights.
        optimizer: its state.
        at: where the training is.
        plan: what identifies the training, so that no other training goes on from it.
    """
    write_training(path, model, optimizer, {"plan": plan, "at": json.dumps(asdict(at))})


def finished_epochs(path: Path) -> tuple[dict[str, Any], ...]:
    """The finished epochs that a checkpoint knows of; none where there is none, or a damaged one.

    Whoever goes on from a damaged one is told so by :func:`load_position`.
    """
    try:
        with safe_open(path, "pt") as file:
            return tuple(json.loads((file.metadata() or {})["at"])["history"])
    except (SafetensorError, OSError, KeyError, ValueError, TypeError):
        return ()


def load_position(path: Path, model: nn.Module, optimizer: Optimizer, plan: str) -> Position:
    """Put model and optimiser back to where they were.

    Raises:
        CheckpointError: damaged, or of another training; the model is then unchanged.
    """
    described, parts = read_training(path, plan)
    try:
        content = json.loads(described["at"])
        at = Position(**{**content, "history": tuple(content["history"])})
    except (KeyError, ValueError, TypeError) as error:
        raise CheckpointError(f"{path.name} is damaged and cannot be gone on from.") from error
    restore(model, optimizer, parts)
    return at
