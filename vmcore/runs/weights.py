"""Where a training starts from: random, ImageNet, the bundled model, USF-MAE, a run, a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from safetensors.torch import load_file
from torch import Tensor, nn

from vmcore.models import (
    PUBLIC_CHECKPOINTS,
    WeightsError,
    create_classifier,
    fetch_public_weights,
    load_card,
)
from vmcore.runs.plan import Plan, RunError
from vmcore.settings import settings


def starting_model(plan: Plan, runs: Path) -> nn.Module:
    """Create a plan's classifier with the weights that it starts from.

    Args:
        plan: names architecture and weights.
        runs: folder of all runs, for "run:ID".

    Raises:
        RunError: the weights cannot be had or do not fit; says what to do.
    """
    try:
        return create_classifier(plan.architecture, _weights(plan, runs))
    except WeightsError as error:
        raise RunError(str(error)) from error


def _weights(plan: Plan, runs: Path) -> Mapping[str, Tensor] | Path | Literal["imagenet"] | None:
    choice = plan.weights
    if choice == "random":
        return None
    if choice == "imagenet":
        return "imagenet"
    if choice in PUBLIC_CHECKPOINTS:
        return fetch_public_weights(choice, settings().store / "weights")
    if choice == "bundled":
        return _of_bundle(settings().bundle, plan)
    if choice.startswith("run:"):
        return _of_run(runs / choice.removeprefix("run:"), plan)
    return Path(choice).expanduser()


def _of_bundle(bundle: Path, plan: Plan) -> Mapping[str, Tensor]:
    card = load_card(bundle)
    if card.architecture != plan.architecture:
        raise RunError(
            f"The bundled model is {card.architecture}; its weights do not fit {plan.architecture}."
        )
    return {key: value.float() for key, value in load_file(bundle / "fold-1.safetensors").items()}


def _of_run(folder: Path, plan: Plan) -> Mapping[str, Tensor]:
    file = folder / "fold-1" / "best.safetensors"
    if not file.is_file():
        raise RunError(f"Run {folder.name} has no finished fold to start {plan.name!r} from.")
    return load_file(file)
