"""What a training needs to go on after its process died: one safetensors file, replaced as it goes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from vmcore.files import replacing
from vmcore.training.epochs import EpochResult

_MODEL, _BEST, _OPTIMIZER = "model.", "best.", "optimizer."


class CheckpointError(ValueError):
    """A checkpoint that is damaged or belongs to something else."""


@dataclass(slots=True)
class FoldProgress:
    """Epochs done, and the best one's weights."""

    history: list[EpochResult] = field(default_factory=list)
    best: EpochResult | None = None
    best_state: dict[str, Tensor] = field(default_factory=dict)

    def take(self, result: EpochResult, model: nn.Module) -> None:
        """Note an epoch; keep the model's weights where it is the best so far."""
        self.history.append(result)
        if self.best is None or result.score > self.best.score:
            self.best = result
            self.best_state = {
                key: value.detach().cpu().clone() for key, value in model.state_dict().items()
            }


def save_checkpoint(
    path: Path, model: nn.Module, optimizer: Optimizer, progress: FoldProgress, plan: str
) -> None:
    """Write everything; the file before it stays until this one is complete.

    Args:
        path: the file.
        model: its present weights.
        optimizer: its state.
        progress: history and best weights.
        plan: what identifies the training, so that no other training goes on from it.
    """
    described = {
        "plan": plan,
        "history": json.dumps([asdict(result) for result in progress.history]),
        "best": json.dumps(progress.best.epoch if progress.best else None),
    }
    best = {_BEST + key: value for key, value in progress.best_state.items()}
    write_training(path, model, optimizer, described, best)


def load_checkpoint(path: Path, model: nn.Module, optimizer: Optimizer, plan: str) -> FoldProgress:
    """Put model and optimiser back to where they were.

    Raises:
        CheckpointError: damaged, or of another training; the model is then unchanged.
    """
    described, parts = read_training(path, plan)
    try:
        history = [EpochResult(**entry) for entry in json.loads(described["history"])]
        best = json.loads(described["best"])
    except (KeyError, ValueError, TypeError) as error:
        raise _damaged(path) from error
    restore(model, optimizer, parts)
    return FoldProgress(history, None if best is None else history[best], parts[_BEST])


def known_epochs(path: Path) -> list[EpochResult]:
    """The finished epochs that a fold's checkpoint knows of; none where there is none, or a damaged one.

    Whoever goes on from a damaged one is told so by :func:`load_checkpoint`.
    """
    try:
        with safe_open(path, "pt") as file:
            told = json.loads((file.metadata() or {})["history"])
        return [EpochResult(**entry) for entry in told]
    except (SafetensorError, OSError, KeyError, ValueError, TypeError):
        return []


def write_training(
    path: Path,
    model: nn.Module,
    optimizer: Optimizer,
    described: Mapping[str, str],
    more: Mapping[str, Tensor] | None = None,
) -> None:
    """Write a model's and its optimiser's state, and words that describe where the training is."""
    tensors = {_MODEL + key: value for key, value in model.state_dict().items()}
    tensors |= more or {}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"{_OPTIMIZER}{index}.{key}": torch.as_tensor(v) for key, v in state.items()}
    kept = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
    with replacing(path) as temporary:
        save_file(kept, temporary, dict(described))


def read_training(path: Path, plan: str) -> tuple[dict[str, str], dict[str, dict[str, Tensor]]]:
    """Read what :func:`write_training` wrote: the words, and tensors by what they belong to.

    Raises:
        CheckpointError: damaged, or of another training than ``plan``.
    """
    parts: dict[str, dict[str, Tensor]] = {_MODEL: {}, _BEST: {}, _OPTIMIZER: {}}
    try:
        with safe_open(path, "pt") as file:
            described = file.metadata() or {}
            for key in file.keys():  # noqa: SIM118  it is no mapping
                prefix = key.split(".", 1)[0] + "."
                parts[prefix][key.removeprefix(prefix)] = file.get_tensor(key)
    except (SafetensorError, OSError, KeyError) as error:
        raise _damaged(path) from error
    if described.get("plan") != plan:
        raise CheckpointError(f"{path.name} belongs to a training with other settings or data.")
    return described, parts


def restore(model: nn.Module, optimizer: Optimizer, parts: dict[str, dict[str, Tensor]]) -> None:
    """Put model and optimiser back to what :func:`read_training` read.

    What the optimiser holds of a parameter lies in memory as that does: fused steps go through both in turn.
    """
    model.load_state_dict(parts[_MODEL])
    parameters = [one for group in optimizer.param_groups for one in group["params"]]
    state: dict[int, dict[str, Any]] = {}
    for key, value in parts[_OPTIMIZER].items():
        index, name = key.split(".", 1)
        parameter = parameters[int(index)]
        if value.shape == parameter.shape:
            value = torch.empty_like(parameter, dtype=value.dtype).copy_(value)  # noqa: PLW2901
        state.setdefault(int(index), {})[name] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def _damaged(path: Path) -> CheckpointError:
    return CheckpointError(f"{path.name} is damaged and cannot be gone on from.")
