"""Where a pretraining starts from: random weights, a public masked autoencoder, a former one, a file."""

from __future__ import annotations

import logging
from pathlib import Path

import torch
from torch import Tensor

from vmcore.models import (
    MAE_SHAPES,
    PUBLIC_CHECKPOINTS,
    FetchProgress,
    Learnt,
    MaskedAutoencoder,
    WeightsError,
    fetch_public_weights,
    for_pretraining,
    read_weights,
)
from vmcore.runs.errors import RunError
from vmcore.runs.folder import RunFolder
from vmcore.runs.lineage import former_run, learnt_by_pretraining, learnt_by_weights
from vmcore.runs.named_files import weights_file
from vmcore.runs.pretraining_plan import PretrainPlan
from vmcore.settings import settings
from vmcore.training import seeded

log = logging.getLogger(__name__)


def starting_autoencoder(
    plan: PretrainPlan, *, progress: FetchProgress | None = None
) -> MaskedAutoencoder:
    """Create the masked autoencoder that a plan starts from; random weights follow the plan's seed.

    A file may hold an encoder alone, as the public ImageNet MAE's does: its decoder is then random.

    Args:
        plan: names architecture and weights.
        progress: called while public weights are fetched.

    Raises:
        RunError: the weights cannot be had or do not fit; says what to do.
    """
    chosen = plan.settings
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeded(chosen.seed).initial_seed())
        model = MaskedAutoencoder(
            MAE_SHAPES[plan.architecture], loss_on=chosen.loss_on,
            normalise_patches=chosen.normalise_patches,
        )  # fmt: skip
    try:
        state = _weights(plan, progress)
        if state is None:
            return model
        found = for_pretraining(state, MAE_SHAPES[plan.architecture])
    except WeightsError as error:
        raise RunError(str(error)) from error
    for sentence in found.said:
        log.info("%s", sentence)
    model.load_state_dict(
        found.state, strict=False
    )  # a whole encoder, and all or none of a decoder
    return model


def learnt_before(plan: PretrainPlan) -> Learnt:
    """What a plan's starting weights have learnt from.

    Raises:
        RunError: the former run is not there or no pretraining, or its list is damaged or lost.
    """
    if not plan.weights.startswith("run:"):
        return learnt_by_weights(plan.weights)
    learnt = learnt_by_pretraining(_former(plan))
    if learnt is None:
        raise RunError(
            "The former pretraining's list of the images that it has learnt from (learnt.txt) is "
            "lost. Put it back, or start from other weights."
        )
    return learnt


def described_start(plan: PretrainPlan, learnt: Learnt) -> dict[str, object]:
    """What a pretraining keeps of the weights that it starts from."""
    if plan.weights == "random":
        return {"weights": "random"}
    return {"weights": Path(plan.weights).name, "images_known": learnt.complete}


def _former(plan: PretrainPlan) -> RunFolder:
    former = former_run(plan.weights)
    if not former.is_pretraining:
        raise RunError(
            "A pretraining goes on from a pretraining's weights, with their decoder; this run is a "
            "cross-validation."
        )
    return former


def _weights(plan: PretrainPlan, progress: FetchProgress | None) -> dict[str, Tensor] | None:
    if plan.weights == "random":
        return None
    if plan.weights in PUBLIC_CHECKPOINTS:
        place = settings().store / "weights"
        return read_weights(fetch_public_weights(plan.weights, place, progress=progress))
    if plan.weights.startswith("run:"):
        return read_weights(_former(plan).pretrained)
    return read_weights(weights_file(plan.weights))
