"""Where a training starts from: random, ImageNet, the bundled model, USF-MAE, a run, a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import pandas as pd
from safetensors.torch import load_file
from torch import Tensor, nn

from vmcore.models import (
    PUBLIC_CHECKPOINTS,
    FetchProgress,
    WeightsError,
    create_classifier,
    fetch_public_weights,
    load_card,
)
from vmcore.runs.folder import RunFolder, runs_folder
from vmcore.runs.plan import Plan, RunError
from vmcore.settings import settings


def starting_model(
    plan: Plan, splits: pd.DataFrame, fold: int, *, progress: FetchProgress | None = None
) -> nn.Module:
    """Create the classifier that a fold of a plan starts from.

    Args:
        plan: names architecture and weights.
        splits: the plan's ``splits.csv``; a former run on the same images must have the same, so
            that no fold starts from weights that saw what it validates or tests on.
        fold: counted from 1; of a former run with the same splits the same fold is taken.
        progress: called while public weights are fetched.

    Raises:
        RunError: the weights cannot be had or do not fit; says what to do.
    """
    try:
        return create_classifier(plan.architecture, _weights(plan, splits, fold, progress))
    except WeightsError as error:
        raise RunError(str(error)) from error


def _weights(
    plan: Plan, splits: pd.DataFrame, fold: int, progress: FetchProgress | None
) -> Mapping[str, Tensor] | Path | Literal["imagenet"] | None:
    choice = plan.weights
    if choice == "random":
        return None
    if choice == "imagenet":
        return "imagenet"
    if choice in PUBLIC_CHECKPOINTS:
        return fetch_public_weights(choice, settings().store / "weights", progress=progress)
    if choice == "bundled":
        return _of_bundle(settings().bundle, plan)
    if choice.startswith("run:"):
        return _of_run(choice.removeprefix("run:"), plan, splits, fold)
    return Path(choice).expanduser()


def _of_bundle(bundle: Path, plan: Plan) -> Mapping[str, Tensor]:
    card = load_card(bundle)
    if card.architecture != plan.architecture:
        raise RunError(
            f"The bundled model is {card.architecture}; its weights do not fit {plan.architecture}."
        )
    return {key: value.float() for key, value in load_file(bundle / "fold-1.safetensors").items()}


def _of_run(run_id: str, plan: Plan, splits: pd.DataFrame, fold: int) -> Mapping[str, Tensor]:
    former = RunFolder(runs_folder() / run_id)
    if not former.marked("finished.json"):
        raise RunError(f"There is no finished run {run_id} to start from.")
    if former.plan().study.resolve() != plan.study.resolve():
        fold = 1  # other images: any fold will do
    elif not former.splits().equals(splits.astype(str)):
        raise RunError(
            f"Run {run_id} learned from images that this run would validate or test on. Give this "
            "run the same folds, held-out part and seed, or start it from other weights."
        )
    return load_file(former.fold(fold) / "best.safetensors")
