"""Teach an encoder what a ventricle is, on phantoms whose truth is known pixel by pixel.

Two tasks at once: the image's label from the class token, and each patch's share of ventricle
from its own token. The dense task is what makes a small transformer learn from few images.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional

from vmcore.training.normalise import normalise
from vmcore.training.settings import FinetuneSettings
from vmcore.training.steps import batches, count_batches, seeded, set_up, update


class _DenseTask(nn.Module):
    def __init__(self, classifier: nn.Module) -> None:
        super().__init__()
        self.classifier = classifier
        self.patch_head = nn.Linear(classifier.embed_dim, 1)  # type: ignore[arg-type]

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        tokens = self.classifier.forward_features(images)  # type: ignore[operator]
        logits = self.classifier.forward_head(tokens)  # type: ignore[operator]
        return logits, self.patch_head(tokens[:, 1:]).squeeze(-1)


def learn_ventricle_patches(
    classifier: nn.Module,
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64],
    settings: FinetuneSettings,
    fabric: Fabric,
    *,
    on_epoch: Callable[[int, float, float], None] | None = None,
) -> nn.Module:
    """Train a vision transformer in place on phantoms, and return it.

    Args:
        classifier: from :func:`vmcore.models.create_classifier`.
        images: uint8 (N, 2, 224, 224): grey values, and the ventricles' mask (0 or 255).
        labels: (N,), 0 or 1.
        settings: epochs, batch, learning rate and augmentation.
        fabric: device and precision.
        on_epoch: called with (epoch, mean loss, training accuracy).
    """
    task, optimizer = set_up(
        fabric,
        _DenseTask(classifier),
        weight_decay=settings.weight_decay,
        lr=settings.learning_rate,
    )
    task.train()
    rows = np.arange(len(images))
    steps, step = settings.epochs * count_batches(len(rows), settings.batch_size), 0
    for epoch in range(settings.epochs):
        generator = seeded(settings.seed, epoch)
        total, right = 0.0, 0
        for part in batches(rows, settings.batch_size, generator):
            both = settings.augmentation(
                torch.from_numpy(images[part]).to(fabric.device), generator
            )
            share = functional.avg_pool2d(both[:, 1:], 16).flatten(1)
            logits, patches = task(normalise(both[:, :1].expand(-1, 3, -1, -1)))
            truth = torch.from_numpy(labels[part]).to(fabric.device)
            loss = functional.cross_entropy(logits.float(), truth)
            dense = functional.binary_cross_entropy_with_logits(patches.float(), share)
            update(
                fabric, task, optimizer, loss + 4.0 * dense, step=step, steps=steps,
                peak=settings.learning_rate, floor=1e-5, warm_up=settings.warm_up,
            )  # fmt: skip
            total += float((loss + 4.0 * dense).detach()) * len(part)
            right += int((logits.argmax(dim=1) == truth).sum())
            step += 1
        if on_epoch:
            on_epoch(epoch, total / len(rows), right / len(rows))
    return classifier
