"""Teach the structure network from outlines that are known in part."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, Subset

from vmcore.anatomy.network import StructureNetwork
from vmcore.anatomy.views import normalised
from vmcore.training.checkpoint import read_training, restore, write_training
from vmcore.training.outlined import CAVUM, VENTRICLE, Example, OutlinedPicture, random_example
from vmcore.training.steps import plain, seeded, set_up, update

_KEPT_EVERY = 50  # steps: on a processor some minutes
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
        frozen_stages: of the encoder, which stay as they are and so take less of a step's time.
    """

    steps: int
    shares: dict[str, float]
    batch_size: int = 8
    learning_rate: float = 1e-3
    weight_decay: float = 1e-3
    seed: int = 0
    frozen_stages: int = 0


class ViewBatch(NamedTuple):
    """Views (B, 1, H, W) in 0..1 and their truth, as :class:`Example` has it, one after the other."""

    views: Tensor
    structures: Tensor
    known: Tensor
    calliper: Tensor
    visible: Tensor


class RandomBatches(Dataset[ViewBatch]):
    """A training's batches by step. What one holds depends on seed and step alone, not on who draws it."""

    def __init__(self, pictures: Sequence[OutlinedPicture], settings: StructureSettings) -> None:
        """Sort the pictures by source.

        Raises:
            ValueError: no picture of a source that has a share.
        """
        self._settings = settings
        self._groups = [
            [one for one in pictures if one.source == source] for source in settings.shares
        ]
        for source, group in zip(settings.shares, self._groups, strict=True):
            if not group:
                raise ValueError(f"No pictures of {source}.")
        self._often = [_normed([one.often for one in group]) for group in self._groups]
        self._shares = _normed(settings.shares.values())

    def __len__(self) -> int:
        return self._settings.steps

    def __getitem__(self, step: int) -> ViewBatch:
        if step >= len(self):
            raise IndexError(step)
        rng = np.random.default_rng([self._settings.seed, step])
        sources = rng.choice(len(self._groups), self._settings.batch_size, p=self._shares)
        chosen = [
            self._groups[one][rng.choice(len(self._groups[one]), p=self._often[one])]
            for one in sources
        ]
        return batched([random_example(picture, rng) for picture in chosen])


def _normed(values: Iterable[float]) -> npt.NDArray[np.float64]:
    parts = np.array(list(values), np.float64)
    return parts / parts.sum()


def learn_structures(
    network: StructureNetwork,
    pictures: Sequence[OutlinedPicture],
    settings: StructureSettings,
    fabric: Fabric,
    *,
    loaders: int = 0,
    on_step: Callable[[int, dict[str, Tensor]], None] | None = None,
    checkpoint: Path | None = None,
) -> StructureNetwork:
    """Train a network in place, and return it.

    Args:
        network: from its own or from ImageNet's start.
        pictures: of all sources.
        settings: see :class:`StructureSettings`.
        fabric: device and precision.
        loaders: processes that draw batches ahead; the same batches with any number.
        on_step: called with the step's number and its losses.
        checkpoint: written now and then, and gone on from where it is there already; the same weights
            come of it.

    Raises:
        ValueError: no picture of a source that has a share.
        CheckpointError: the checkpoint is damaged, or of a training with other settings or pictures.
    """
    plan = "" if checkpoint is None else _plan(settings, pictures)
    done, kept = (0, None) if checkpoint is None else _kept(checkpoint, plan)
    batches = DataLoader(
        Subset(RandomBatches(pictures, settings), range(done, settings.steps)),
        batch_size=None,
        num_workers=loaders,
        multiprocessing_context="fork" if loaders else None,  # pictures are shared, not copied
        pin_memory=fabric.device.type == "cuda",
    )
    frozen = network.first_stages(settings.frozen_stages)
    frozen.requires_grad_(False)
    ahead = iter(batches)  # its processes begin before the network has threads of its own
    task, optimizer = set_up(
        fabric,
        network.to(memory_format=torch.channels_last),
        weight_decay=settings.weight_decay,
        lr=settings.learning_rate,
    )
    if kept is not None:
        restore(network, plain(optimizer), kept)
    task.train()
    frozen.eval()
    for step, drawn in enumerate(ahead, start=done):
        torch.manual_seed(seeded(settings.seed, step).initial_seed())  # of what drops out
        batch = ViewBatch(*(part.to(fabric.device, non_blocking=True) for part in drawn))
        views = batch.views.contiguous(memory_format=torch.channels_last)
        losses = structure_losses(task(views), batch)
        update(
            fabric, task, optimizer, torch.stack(list(losses.values())).sum(),
            step=step, steps=settings.steps, peak=settings.learning_rate, warm_up=0.05,
        )  # fmt: skip
        if on_step:
            on_step(step, {name: loss.detach() for name, loss in losses.items()})
        if checkpoint is not None and (step + 1) % _KEPT_EVERY == 0:
            write_training(
                checkpoint, network, plain(optimizer), {"plan": plan, "done": str(step + 1)}
            )
    task.eval()
    frozen.requires_grad_(True)
    return network


def _plan(settings: StructureSettings, pictures: Sequence[OutlinedPicture]) -> str:
    """What tells a training from others: its settings, and the pictures that it draws from."""
    digest = 0
    for one in pictures:
        digest = zlib.crc32(f"{one.source} {one.subject_id}".encode(), digest)
        digest = zlib.crc32(one.grey.tobytes(), digest)
    return json.dumps({"pictures": digest, **asdict(settings)}, sort_keys=True)


def _kept(checkpoint: Path, plan: str) -> tuple[int, dict[str, dict[str, Tensor]] | None]:
    """Steps that are done, and the states after them; none where there is no checkpoint yet."""
    if not checkpoint.is_file():
        return 0, None
    described, parts = read_training(checkpoint, plan)
    return int(described["done"]), parts


def batched(examples: Sequence[Example]) -> ViewBatch:
    """Examples one after the other, bright echoes at 1 whatever the gain was."""
    return ViewBatch(
        torch.from_numpy(np.stack([normalised(one.view) for one in examples])[:, None]),
        torch.from_numpy(np.stack([one.structures for one in examples])),
        torch.from_numpy(np.stack([one.known for one in examples])),
        torch.from_numpy(np.stack([one.calliper for one in examples])),
        torch.from_numpy(np.stack([one.visible for one in examples])),
    )


def structure_losses(outputs: tuple[Tensor, Tensor, Tensor], batch: ViewBatch) -> dict[str, Tensor]:
    """The parts of the loss, each over what is known.

    The head is learnt by cross-entropy alone, which keeps its size right where its edge is doubtful;
    an overlap loss, which the small structures need, prefers large ones. The width's loss is the
    likelihood of a Laplace distribution whose scale the network says, so it learns how sure it may
    be.
    """
    logits, calliper, visible = (one.float() for one in outputs)
    device = logits.device
    truth, known = batch.structures, batch.known
    weight = torch.tensor(_STRUCTURE_WEIGHT, device=device)[:, None, None]
    entropy = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    losses = {"structures": (entropy * known * weight).mean((0, 2, 3)).sum()}

    share = torch.sigmoid(logits) * known
    overlap = (share * truth).sum((2, 3))
    both = (share + truth * known).sum((2, 3))
    present = (truth * known).sum((2, 3)) > 2
    dice = 1 - (2 * overlap + 1) / (both + 1)
    losses["overlap"] = _mean(dice[:, CAVUM:], present[:, CAVUM:])

    target = batch.calliper[..., None, None]
    inside = (truth[:, VENTRICLE] > 0.5) & (known[:, VENTRICLE] > 0)
    scale = calliper[:, 3].clamp(-4.0, 1.0)
    width = (calliper[:, 0] - target[:, 0]).abs() * torch.exp(-scale) + scale
    turn = (calliper[:, 1:3] - target[:, 1:3]).abs().sum(1)
    per_view = inside.sum((1, 2)).clamp(min=1)
    has = inside.any(2).any(1)
    losses["width"] = 0.3 * _mean((width * inside).sum((1, 2)) / per_view, has)
    losses["turn"] = 0.3 * _mean((turn * inside).sum((1, 2)) / per_view, has)

    said = batch.visible
    doubt = functional.binary_cross_entropy_with_logits(
        visible, said.clamp(min=0), reduction="none"
    )
    losses["visible"] = 0.2 * _mean(doubt, said >= 0)
    return losses


def _mean(values: Tensor, where: Tensor) -> Tensor:
    return (values * where).sum() / where.sum().clamp(min=1)
