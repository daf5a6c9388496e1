"""Where a training starts from: random, ImageNet, the bundled model, USF-MAE, a run, a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from torch import Tensor, nn

from vmcore.models import (
    ARCHITECTURES,
    PUBLIC_CHECKPOINTS,
    BundleError,
    FetchProgress,
    WeightsError,
    WeightsReport,
    create_classifier,
    explain_weights,
    fetch_public_weights,
    file_digest,
    input_of,
    load_card,
    read_weights,
)
from vmcore.models.architectures import OURS
from vmcore.models.bundle_weights import fold_file
from vmcore.runs.errors import RunError
from vmcore.runs.folder import RunFolder
from vmcore.runs.lineage import former_run
from vmcore.runs.named_files import weights_file
from vmcore.runs.plan import Plan
from vmcore.runs.start import Start
from vmcore.settings import settings

Pooling = Literal["token", "avg"]


def starting_model(plan: Plan, start: Start, *, progress: FetchProgress | None = None) -> nn.Module:
    """Create the classifier that a fold of a plan starts from.

    Args:
        plan: names architecture and weights.
        start: of :func:`vmcore.runs.lineage.find_starts`, which sees to it that no fold starts from
            weights that saw what it validates or tests on.
        progress: called while public weights are fetched.

    Raises:
        RunError: the weights cannot be had or do not fit; says what to do.
    """
    try:
        weights = _weights(plan, start, progress)
        return create_classifier(plan.architecture, weights, pooling=plan.pooling)
    except (WeightsError, BundleError) as error:
        raise RunError(str(error)) from error


def describe_start(plan: Plan, starts: Sequence[Start]) -> dict[str, Any]:
    """What a run keeps of the weights that its folds start from, for its environment and card.

    Args:
        plan: names architecture and weights, which can be read.
        starts: one a fold.

    Returns:
        the weights (a tag of timm's, a file's name); the SHA-256 of each fold's file, where it is
        there; mean and deviation of the input that they were trained with; whether all
        images that they have learnt from are known; and for each fold how many of the images that it
        is judged on are among these; of a pretraining, also how many of the test's are.
    """
    if plan.weights == "random":
        return {"weights": "random"}
    published = ARCHITECTURES[plan.architecture].imagenet
    name, trained = Path(plan.weights).name, OURS
    if plan.weights == "imagenet" and published is not None:
        name, trained = published.tag, published.normalisation
    elif _is_file(plan.weights):
        trained = input_of(plan.architecture, read_weights(weights_file(plan.weights)))
    described: dict[str, Any] = {"weights": name, "trained_with": asdict(trained)}
    if plan.weights != "imagenet":  # the hub's client keeps those, and checks them
        files = [_file(plan.weights, start) for start in starts]
        described["sha256"] = [file_digest(file) for file in files if file.is_file()]
    if starts[0].unlabelled:
        described["pretraining"] = True
        described["test_images_seen"] = [start.tested for start in starts]
    elif plan.weights.startswith("run:"):
        described["former_folds"] = [start.former_fold for start in starts]
    described["images_known"] = all(start.learnt.complete for start in starts)
    described["judged_images_seen"] = [
        "unknown" if start.seen is None else start.seen for start in starts
    ]
    return described


def refuse_changed_start(folder: RunFolder, plan: Plan, start: Start, number: int) -> None:
    """Refuse to begin a fold from another file than was noted when the run was started.

    Raises:
        RunError: it is another one.
    """
    described = folder.read_json("environment.json").get("starting_weights")
    noted = described.get("sha256") if isinstance(described, dict) else None
    if not isinstance(noted, list) or len(noted) != plan.folds:
        return  # none was there then, or nobody noted it
    file = _file(plan.weights, start)
    if file.is_file() and file_digest(file) != noted[number - 1]:
        raise RunError(
            "The weights that this run starts from have changed since it was started. Start a new run."
        )


def report_on_file(named: str, architecture: str, pooling: Pooling) -> WeightsReport:
    """What is in a weights file that somebody names, and what a training would take from it.

    A file is read again only when it is another one or was changed.

    Args:
        named: its path.
        architecture: the network that is to start from it.
        pooling: what that network's head reads.

    Raises:
        RunError: it may not be read, or is no weights file.
    """
    path = weights_file(named)
    try:
        known = path.stat()
        return _report(str(path), architecture, pooling, known.st_size, known.st_mtime_ns)
    except WeightsError as error:
        raise RunError(str(error)) from error
    except OSError as error:
        raise RunError(f"There is no weights file {path}.") from error


@lru_cache(maxsize=32)
def _report(
    path: str, architecture: str, pooling: Pooling, size: int, changed_ns: int
) -> WeightsReport:
    del size, changed_ns  # parts of the cache's key
    return explain_weights(path, architecture, pooling)


def _file(weights: str, start: Start) -> Path:
    """The file that a fold's weights are read from; public ones have been fetched before."""
    if weights in PUBLIC_CHECKPOINTS:
        return settings().store / "weights" / f"{weights}.pt"
    if weights == "bundled":
        return settings().bundle / fold_file(0)
    if weights.startswith("run:"):
        former = former_run(weights)
        if former.is_pretraining:
            return former.pretrained
        return former.fold(start.former_fold) / "best.safetensors"
    return weights_file(weights)


def _is_file(weights: str) -> bool:
    named = {"random", "imagenet", "bundled", *PUBLIC_CHECKPOINTS}
    return weights not in named and not weights.startswith("run:")


def _weights(
    plan: Plan, start: Start, progress: FetchProgress | None
) -> Mapping[str, Tensor] | Path | Literal["imagenet"] | None:
    choice = plan.weights
    if choice == "random":
        return None
    if choice == "imagenet":
        return "imagenet"
    if choice in PUBLIC_CHECKPOINTS:
        return fetch_public_weights(choice, settings().store / "weights", progress=progress)
    if choice == "bundled":
        return _of_bundle(plan, start)
    return _file(choice, start)


def _of_bundle(plan: Plan, start: Start) -> Mapping[str, Tensor]:
    card = load_card(settings().bundle)
    if card.architecture != plan.architecture:
        raise RunError(
            f"The bundled model is {card.architecture}; its weights do not fit {plan.architecture}."
        )
    return {k: value.float() for k, value in read_weights(_file("bundled", start)).items()}
