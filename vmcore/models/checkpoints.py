"""Read weights safely, and fit them to a model or say exactly what is wrong."""

from __future__ import annotations

import argparse
import pickle
import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from vmcore.models.errors import WeightsError
from vmcore.models.key_names import without_prefixes

_WRAPPERS = ("model", "state_dict", "model_state_dict", "model_state")
_SHOWN = 4

# programs for masked autoencoders keep their options beside the weights; they are names and values
torch.serialization.add_safe_globals([argparse.Namespace])


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A weights file that was read.

    Attributes:
        state: parameters by their bare names.
        format: how the file is written.
        wrapper: under which name the parameters stand in it, outermost first; "" for none.
        prefix: what stood before every name and was taken away; "" for nothing.
    """

    state: dict[str, Tensor]
    format: Literal["safetensors", "pytorch"]
    wrapper: str
    prefix: str


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a state dict from ``.safetensors`` or a foreign ``.pt``/``.pth``/``.bin`` file.

    Foreign files are unpickled with ``weights_only=True``: nothing in them is executed.

    Raises:
        WeightsError: missing, damaged, unsafe, or without tensors.
    """
    return read_checkpoint(path).state


def read_checkpoint(path: Path) -> Checkpoint:
    """The same, with how the parameters stood in the file.

    Raises:
        WeightsError: missing, damaged, unsafe, or without tensors.
    """
    try:
        there = path.is_file()
    except OSError:  # a name that is too long, or a folder that may not be entered
        there = False
    if not there:
        raise WeightsError(f"There is no weights file {path}.")
    try:
        if path.suffix == ".safetensors":
            return _unwrap(load_file(path), path, "safetensors")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch comments on old pickles
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"{path.name} holds more than weights, or is damaged; such a file is not opened."
        ) from error
    except Exception as error:  # on a stranger's bytes the unpickler raises what it likes
        raise WeightsError(f"{path.name} is damaged or is not a weights file.") from error
    return _unwrap(content, path, "pytorch")


def _unwrap(content: Any, path: Path, format_: Literal["safetensors", "pytorch"]) -> Checkpoint:
    wrappers = []
    for wrapper in _WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
            wrappers.append(wrapper)
    if not isinstance(content, Mapping):
        raise WeightsError(f"{path.name} holds no state dict.")
    state = {str(key): value for key, value in content.items() if isinstance(value, Tensor)}
    if not state:
        raise WeightsError(f"{path.name} holds no tensors.")
    odd = [key for key, value in state.items() if not _is_plain(value)]
    if odd:
        raise WeightsError(f"{path.name} holds {odd[0]} in a form that no network here takes.")
    bare, prefix = without_prefixes(state)
    return Checkpoint(bare, format_, ".".join(wrappers), prefix)


def _is_plain(tensor: Tensor) -> bool:
    """Whether a tensor holds all of its numbers, as a network's parameters do."""
    dense = tensor.layout is torch.strided and not (tensor.is_meta or tensor.is_quantized)
    return dense and not (tensor.is_nested or tensor.is_complex())


@dataclass(frozen=True, slots=True)
class Misfit:
    """Where weights do not fit a network: names, and shapes in words."""

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    wrong_shape: tuple[str, ...]

    def __bool__(self) -> bool:
        """Whether anything does not fit."""
        return bool(self.missing or self.unexpected or self.wrong_shape)

    def sentence(self) -> str:
        """What does not fit, the first few of each kind."""
        problems = [
            f"{word} {_some(keys)}"
            for word, keys in (
                ("missing", self.missing),
                ("unexpected", self.unexpected),
                ("wrong shape:", self.wrong_shape),
            )
            if keys
        ]
        return "The weights do not fit this model: " + "; ".join(problems) + "."


def find_misfit(
    own: Mapping[str, Tensor], state: Mapping[str, Tensor], *, head: Collection[str] = ()
) -> Misfit:
    """Hold weights against a network's own parameters.

    Args:
        own: the network's.
        state: the weights.
        head: parameters that may be absent or of another shape.
    """
    return Misfit(
        missing=tuple(key for key in own if key not in state and key not in head),
        unexpected=tuple(key for key in state if key not in own and key not in head),
        wrong_shape=tuple(
            f"{key} is {_size(state[key])}, not {_size(own[key])}"
            for key in own
            if key in state and key not in head and state[key].shape != own[key].shape
        ),
    )


def fit_state(
    model: nn.Module,
    state: Mapping[str, Tensor],
    *,
    head: tuple[str, ...] = (),
    assign: bool = False,
) -> None:
    """Load a state dict after checking every key and shape.

    Args:
        model: where to load it.
        state: the weights.
        head: parameters that may be absent or of another shape (they keep their own values).
        assign: take the tensors themselves, for a model made on the meta device.

    Raises:
        WeightsError: naming the keys that are missing, unexpected or of the wrong shape. The
            model is then unchanged.
    """
    own = model.state_dict()
    misfit = find_misfit(own, state, head=head)
    if misfit:
        raise WeightsError(misfit.sentence())
    fitting = {k: v for k, v in state.items() if k in own and v.shape == own[k].shape}
    model.load_state_dict(fitting, strict=False, assign=assign)


def _size(tensor: Tensor) -> str:
    return " x ".join(str(side) for side in tensor.shape) or "a single number"


def _some(keys: Sequence[str]) -> str:
    more = len(keys) - _SHOWN
    return ", ".join(keys[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
