"""Teach the structure network from outlines that are known in part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn import functional

from vmcore.anatomy.network import StructureNetwork
from vmcore.anatomy.views import normalised
from vmcore.training.outlined import VENTRICLE, Example, OutlinedPicture, random_example
from vmcore.training.steps import set_up, update

_STRUCTURE_WEIGHT = (1.0, 8.0, 8.0)  # head, cavum, ventricle: the small ones would drown


@dataclass(frozen=True, slots=True)
class StructureSettings:
    """How the structure network is trained.

    Attributes:
        steps: optimiser steps.
        batch_size: views of one step.
        learning_rate: at its peak, AdamW with cosine decay to zero.
        shares: of each source in a batch; sources that are not named are left out.
        seed: of the choice of pictures and their augmentation.
    """

    steps: int
    shares: dict[str, float]
    batch_size: int = 8
    learning_rate: float = 1e-3
    weight_decay: float = 1e-3
    seed: int = 0


def learn_structures(
    network: StructureNetwork,
    pictures: Sequence[OutlinedPicture],
    settings: StructureSettings,
    fabric: Fabric,
    *,
    on_step: Callable[[int, dict[str, float]], None] | None = None,
) -> StructureNetwork:
    """Train a network in place, and return it.

    Args:
        network: from its own or from ImageNet's start.
        pictures: of all sources.
        settings: see :class:`StructureSettings`.
        fabric: device and precision.
        on_step: called with the step's number and its losses.

    Raises:
        ValueError: no picture of a source that has a share.
    """
    groups = {
        source: [one for one in pictures if one.source == source] for source in settings.shares
    }
    if empty := [source for source, group in groups.items() if not group]:
        raise ValueError(f"No pictures of {', '.join(empty)}.")
    rng = np.random.default_rng(settings.seed)
    task, optimizer = set_up(
        fabric,
        network.to(memory_format=torch.channels_last),
        weight_decay=settings.weight_decay,
        lr=settings.learning_rate,
    )
    task.train()
    names, shares = list(groups), np.array(list(settings.shares.values()))
    for step in range(settings.steps):
        chosen = rng.choice(len(names), settings.batch_size, p=shares / shares.sum())
        drawn = [groups[names[index]] for index in chosen]
        batch = [random_example(group[rng.integers(len(group))], rng) for group in drawn]
        losses = structure_losses(task(stacked(batch, fabric.device)), batch)
        update(
            fabric, task, optimizer, sum(losses.values(), torch.zeros(())),
            step=step, steps=settings.steps, peak=settings.learning_rate, warm_up=0.05,
        )  # fmt: skip
        if on_step:
            on_step(step, {name: float(loss.detach()) for name, loss in losses.items()})
    task.eval()
    return network


def stacked(batch: Sequence[Example], device: torch.device) -> Tensor:
    """Views (B, 1, H, W) in 0..1, channels last as the network computes fastest."""
    views = np.stack([normalised(one.view) for one in batch])[:, None]
    return torch.from_numpy(views).to(device, memory_format=torch.channels_last)


def structure_losses(
    outputs: tuple[Tensor, Tensor, Tensor], batch: Sequence[Example]
) -> dict[str, Tensor]:
    """The parts of the loss, each over what is known.

    Cross-entropy keeps the maps' sums right (an overlap loss alone prefers large ones); the width's
    loss is the likelihood of a Laplace distribution whose scale the network says, so it learns
    how sure it may be.
    """
    logits, calliper, visible = (one.float() for one in outputs)
    device = logits.device
    truth = torch.from_numpy(np.stack([one.structures for one in batch])).to(device)
    known = torch.from_numpy(np.stack([one.known for one in batch])).to(device)
    weight = torch.tensor(_STRUCTURE_WEIGHT, device=device)[:, None, None]
    entropy = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    losses = {"structures": (entropy * known * weight).mean((0, 2, 3)).sum()}

    share = torch.sigmoid(logits) * known
    overlap = (share * truth).sum((2, 3))
    both = (share + truth * known).sum((2, 3))
    present = (truth * known).sum((2, 3)) > 2
    dice = 1 - (2 * overlap + 1) / (both + 1)
    losses["overlap"] = _mean(dice, present)

    target = torch.from_numpy(np.stack([one.calliper for one in batch])).to(device)[..., None, None]
    inside = (truth[:, VENTRICLE] > 0.5) & (known[:, VENTRICLE] > 0)
    scale = calliper[:, 3].clamp(-4.0, 1.0)
    width = (calliper[:, 0] - target[:, 0]).abs() * torch.exp(-scale) + scale
    turn = (calliper[:, 1:3] - target[:, 1:3]).abs().sum(1)
    per_view = inside.sum((1, 2)).clamp(min=1)
    has = inside.any(2).any(1)
    losses["width"] = 0.3 * _mean((width * inside).sum((1, 2)) / per_view, has)
    losses["turn"] = 0.3 * _mean((turn * inside).sum((1, 2)) / per_view, has)

    said = torch.from_numpy(np.stack([one.visible for one in batch])).to(device)
    doubt = functional.binary_cross_entropy_with_logits(
        visible, said.clamp(min=0), reduction="none"
    )
    losses["visible"] = 0.2 * _mean(doubt, said >= 0)
    return losses


def _mean(values: Tensor, where: Tensor) -> Tensor:
    return (values * where).sum() / where.sum().clamp(min=1)
