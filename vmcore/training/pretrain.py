"""Pretrain a masked autoencoder on unlabelled images."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from lightning_fabric import Fabric
from pydantic import BaseModel, ConfigDict, Field

from vmcore.data.augmentation import Augmentation
from vmcore.models import MaskedAutoencoder
from vmcore.training.normalise import normalise
from vmcore.training.steps import batches, count_batches, seeded, set_up, update


class PretrainSettings(BaseModel):
    """USF-MAE's pretraining by default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: int = Field(100, ge=1, le=10_000)
    batch_size: int = Field(64, ge=1, le=4096)
    learning_rate: float = Field(1.5e-4, gt=0.0, le=1.0)
    floor: float = Field(1e-5, ge=0.0)
    weight_decay: float = Field(0.05, ge=0.0, le=1.0)
    warm_up: float = Field(0.1, ge=0.0, lt=1.0)
    mask_ratio: float = Field(0.25, ge=0.0, lt=1.0)
    augmentation: Augmentation = Augmentation()
    seed: int = Field(0, ge=0)


def pretrain(
    model: MaskedAutoencoder,
    images: npt.NDArray[np.uint8],
    settings: PretrainSettings,
    fabric: Fabric,
    *,
    on_epoch: Callable[[int, float], None] | None = None,
) -> MaskedAutoencoder:
    """Train the masked autoencoder in place and return it.

    Args:
        model: the masked autoencoder.
        images: uint8 (N, 3, 224, 224).
        settings: see :class:`PretrainSettings`.
        fabric: device and precision.
        on_epoch: called with (epoch, mean loss).
    """
    wrapped, optimizer = set_up(
        fabric, model, weight_decay=settings.weight_decay, lr=settings.learning_rate
    )
    wrapped.train()
    rows = np.arange(len(images))
    patches = model.patch_embed.num_patches
    steps, step = settings.epochs * count_batches(len(rows), settings.batch_size), 0
    for epoch in range(settings.epochs):
        generator = seeded(settings.seed, epoch)
        total = 0.0
        for part in batches(rows, settings.batch_size, generator):
            shown = torch.from_numpy(images[part]).to(fabric.device)
            inputs = normalise(settings.augmentation(shown, generator))
            noise = torch.rand(len(part), patches, generator=generator).to(fabric.device)
            loss, _, _ = wrapped(inputs, settings.mask_ratio, noise)
            update(
                fabric, wrapped, optimizer, loss, step=step, steps=steps,
                peak=settings.learning_rate, floor=settings.floor, warm_up=settings.warm_up,
            )  # fmt: skip
            total += float(loss.detach()) * len(part)
            step += 1
        if on_epoch:
            on_epoch(epoch, total / len(rows))
    return model
