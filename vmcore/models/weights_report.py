"""What is in a weights file, and what a network would take from it, before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import timm
import torch
from torch import Tensor

from vmcore.models.architectures import ARCHITECTURES, CLASSES, OURS, Architecture
from vmcore.models.checkpoints import find_misfit, read_checkpoint
from vmcore.models.classifier import head_keys, input_of
from vmcore.models.digest import file_digest
from vmcore.models.errors import WeightsError
from vmcore.models.fitting import GRID, ForClassifier, for_classifier
from vmcore.models.found_network import FoundNetwork, find_network
from vmcore.models.mae_shapes import MAE_SHAPES
from vmcore.models.normalisation import to_our_input
from vmcore.models.pretraining_weights import for_pretraining

Pooling = Literal["token", "avg"]
_NORMALISED = (
    "The weights expect input of mean {} and deviation {}; their first convolution is changed so that it "
    "takes ours, which is exact."
)


@dataclass(frozen=True, slots=True)
class WeightsReport:
    """What a weights file is, and what a classifier takes from it.

    Attributes:
        architecture: the classifier that it is held against, a key of ``ARCHITECTURES``.
        pooling: what that classifier's head reads.
        format: "safetensors" or "pytorch".
        wrapper: under which name the parameters stand in the file; "" for none.
        prefix: what stood before every name and was taken away; "" for nothing.
        sha256: of the file, as hexadecimal text.
        network: which network the file is of.
        matched: the classifier's parameters that come from the file.
        missing: those that do not.
        left_over: the file's parameters that the classifier does not take.
        wrong_shape: those of another size, each in words.
        said: a sentence each on what is used, changed, left out, or starts anew.
        pretraining: the same for going on with pretraining; none where that cannot be.
        error: why a classifier's training cannot start from the file; "" where it can.
        pretraining_error: why pretraining cannot go on from it; "" where it can, or where the network
            has no masked autoencoder.
    """

    architecture: str
    pooling: Pooling
    format: Literal["safetensors", "pytorch"]
    wrapper: str
    prefix: str
    sha256: str
    network: FoundNetwork
    matched: tuple[str, ...]
    missing: tuple[str, ...]
    left_over: tuple[str, ...]
    wrong_shape: tuple[str, ...]
    said: tuple[str, ...]
    pretraining: tuple[str, ...]
    error: str
    pretraining_error: str


def explain_weights(
    path: str | Path, architecture: str, pooling: Pooling | None = None
) -> WeightsReport:
    """Read a weights file and say what it is and what would be used of it; nothing is loaded.

    Args:
        path: ``.safetensors``, ``.pt``, ``.pth`` or ``.bin``.
        architecture: a key of :data:`vmcore.models.ARCHITECTURES`.
        pooling: what the classifier's head reads; what the file suggests without.

    Raises:
        ValueError: the architecture is unknown.
        WeightsError: the file cannot be read.
    """
    if architecture not in ARCHITECTURES:
        raise ValueError(f"No architecture is called {architecture!r}: {', '.join(ARCHITECTURES)}.")
    path, kind = Path(path), ARCHITECTURES[architecture]
    read = read_checkpoint(path)
    network = find_network(read.state)
    chosen = pooling or (network.pooling if kind.width is not None else "token")
    with torch.device("meta"):  # names and shapes are enough
        model = _network(kind, chosen)
    own, head = model.state_dict(), head_keys(model)
    error, normalised, taken = "", "", ForClassifier(read.state)
    try:
        trained = input_of(architecture, read.state, head)
        taken = for_classifier(kind, read.state, chosen)
        if trained != OURS:
            to_our_input(model, taken.state, trained)
            normalised = _NORMALISED.format(trained.mean, trained.deviation)
        misfit = find_misfit(own, taken.state, head=(*head, *taken.fresh))
        error = misfit.sentence() if misfit else ""
    except WeightsError as refused:
        error = str(refused)
    full = find_misfit(own, taken.state)
    fits = {k for k, v in own.items() if k in taken.state and taken.state[k].shape == v.shape}
    begins, not_begun = _pretraining(architecture, read.state)
    used = "" if error else _used(len(fits), len(own), full.missing, full.wrong_shape, head)
    return WeightsReport(
        architecture, chosen, read.format, read.wrapper, read.prefix, file_digest(path), network,
        matched=tuple(key for key in own if key in fits),
        missing=full.missing,
        left_over=tuple(key for key in read.state if key not in own),
        wrong_shape=full.wrong_shape,
        said=tuple(sentence for sentence in (used, normalised, *taken.said) if sentence),
        pretraining=begins,
        error=_in_sizes(error, network, kind) if error else "",
        pretraining_error=_in_sizes(not_begun, network, kind) if not_begun else "",
    )  # fmt: skip


def _network(kind: Architecture, pooling: Pooling) -> torch.nn.Module:
    options = {"global_pool": pooling} if kind.width is not None else {}
    return timm.create_model(kind.timm_name, pretrained=False, num_classes=len(CLASSES), **options)


def _used(
    fits: int,
    own: int,
    missing: tuple[str, ...],
    wrong: tuple[str, ...],
    head: tuple[str, ...],
) -> str:
    fresh = [key for key in head if key in missing or any(w.startswith(f"{key} ") for w in wrong)]
    said = f"{fits} of the classifier's {own} parameters come from the file"
    if not fresh:
        return f"{said}, its head among them."
    return f"{said}; its head ({', '.join(fresh)}) starts at random and is what is learnt first."


def _pretraining(architecture: str, state: Mapping[str, Tensor]) -> tuple[tuple[str, ...], str]:
    """What is said of going on with pretraining, and why that cannot be."""
    shape = MAE_SHAPES.get(architecture)
    if shape is None:
        return (), ""
    try:
        found = for_pretraining(state, shape)
    except WeightsError as refused:
        return (), str(refused)
    begins = "Pretraining can go on from its encoder" + (" and decoder." * found.has_decoder or ".")
    return (begins, *found.said), ""


def _in_sizes(error: str, network: FoundNetwork, kind: Architecture) -> str:
    """The loader's sentence, with the cause before it where the sizes tell it."""
    if network.kind == "another network" and kind.width is not None:
        return f"The file is of no vision transformer, and {kind.title} is one. {error}"
    wanted = {"width": kind.width, "patch_side": 224 // GRID}
    found = {"width": network.width, "patch_side": network.patch_side}
    words = {"width": "{} is {} wide, the file's network {}.", "patch_side":
             "{} has patches of {} pixels, the file's network of {}."}  # fmt: skip
    for name, sentence in words.items():
        if kind.width is not None and found[name] != wanted[name]:
            return f"{sentence.format(kind.title, wanted[name], found[name])} {error}"
    return error
