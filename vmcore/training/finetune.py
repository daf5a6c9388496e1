"""Fine-tune a classifier on one fold: class weights, warm-up and cosine, best epoch kept."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from lightning_fabric import Fabric
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional

from vmcore.data.augmentation import Augmentation
from vmcore.data.splits import Fold
from vmcore.evaluation import binary_metrics
from vmcore.imaging import normalise
from vmcore.training.steps import batches, count_batches, make_optimizer, seeded, update


class FinetuneSettings(BaseModel):
    """The paper's fine-tuning by default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: int = Field(100, ge=1, le=10_000)
    batch_size: int = Field(128, ge=1, le=4096)
    learning_rate: float = Field(3e-4, gt=0.0, le=1.0)
    weight_decay: float = Field(1e-4, ge=0.0, le=1.0)
    warm_up: float = Field(0.1, ge=0.0, lt=1.0)
    augmentation: Augmentation = Augmentation()
    seed: int = Field(0, ge=0)


@dataclass(frozen=True, slots=True)
class Study:
    """A study in memory.

    Attributes:
        images: uint8 (N, 3, 224, 224).
        labels: int64 (N,), 0 or 1.
        weights: (N,), by which an image's loss is multiplied; 1 without.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True)
class EpochResult:
    """What one epoch did; ``validation`` holds :func:`vmcore.evaluation.binary_metrics`."""

    epoch: int
    train_loss: float
    validation_loss: float
    validation: dict[str, float]
    learning_rate: float


@dataclass(frozen=True, slots=True)
class FoldResult:
    """The best epoch's weights and every epoch's figures."""

    state: dict[str, Tensor]
    best: EpochResult
    history: tuple[EpochResult, ...]


def class_weights(labels: npt.NDArray[np.int64]) -> Tensor:
    """Weights inversely proportional to class frequency, (2,), mean 1 over the images."""
    counts = np.bincount(labels, minlength=2)
    if (counts == 0).any():
        raise ValueError("The training folds hold one class only.")
    return torch.tensor(len(labels) / (2.0 * counts), dtype=torch.float32)


def finetune_fold(
    model: nn.Module,
    study: Study,
    fold: Fold,
    settings: FinetuneSettings,
    fabric: Fabric,
    *,
    number: int = 0,
    on_epoch: Callable[[EpochResult], None] | None = None,
) -> FoldResult:
    """Train on a fold and keep the epoch with the highest validation accuracy.

    Ties go to the lower validation loss. The same settings, fold and weights give the same
    result: shuffling and augmentation are seeded by run, fold and epoch.

    Args:
        model: logits (B, 2).
        study: the images.
        fold: its rows.
        settings: see :class:`FinetuneSettings`.
        fabric: device and precision.
        number: the fold's number, part of the seed.
        on_epoch: called after each epoch.
    """
    weight = class_weights(study.labels[fold.train]).to(fabric.device)
    optimizer = make_optimizer(model, weight_decay=settings.weight_decay, lr=settings.learning_rate)
    trained, optimizer = fabric.setup(model, optimizer)
    per_epoch = count_batches(len(fold.train), settings.batch_size)
    steps, step = settings.epochs * per_epoch, 0
    history: list[EpochResult] = []
    best: tuple[float, float] | None = None
    state: dict[str, Tensor] = {}
    for epoch in range(settings.epochs):
        generator = seeded(settings.seed, number, epoch)
        trained.train()
        total, rate = 0.0, 0.0
        for rows in batches(fold.train, settings.batch_size, generator):
            images = torch.from_numpy(study.images[rows]).to(fabric.device)
            inputs = normalise(settings.augmentation(images, generator))
            labels = torch.from_numpy(study.labels[rows]).to(fabric.device)
            loss = _loss(trained(inputs), labels, weight, _sample_weights(study, rows, fabric))
            rate = update(
                fabric, trained, optimizer, loss, step=step, steps=steps,
                peak=settings.learning_rate, warm_up=settings.warm_up,
            )  # fmt: skip
            total += float(loss.detach()) * len(rows)
            step += 1
        probability, validation_loss = predict(trained, study, fold.validation, fabric, weight)
        figures = binary_metrics(study.labels[fold.validation], probability)
        result = EpochResult(epoch, total / len(fold.train), validation_loss, figures, rate)
        history.append(result)
        score = (figures["accuracy"], -validation_loss)
        if best is None or score > best:
            best, best_result = score, result
            state = copy.deepcopy(
                {key: value.detach().cpu() for key, value in model.state_dict().items()}
            )
        if on_epoch:
            on_epoch(result)
    return FoldResult(state, best_result, tuple(history))


def _sample_weights(study: Study, rows: npt.NDArray[np.int64], fabric: Fabric) -> Tensor | None:
    if study.weights is None:
        return None
    return torch.from_numpy(study.weights[rows]).float().to(fabric.device)


def _loss(logits: Tensor, labels: Tensor, weight: Tensor, samples: Tensor | None) -> Tensor:
    """Class-weighted cross-entropy as torch defines it; sample weights multiply class weights."""
    if samples is None:
        return functional.cross_entropy(logits.float(), labels, weight=weight)
    each = functional.cross_entropy(logits.float(), labels, reduction="none")
    scale = weight[labels] * samples
    return (each * scale).sum() / scale.sum()


@torch.no_grad()
def predict(
    model: nn.Module,
    study: Study,
    rows: npt.NDArray[np.int64],
    fabric: Fabric,
    weight: Tensor | None = None,
    batch_size: int = 128,
) -> tuple[npt.NDArray[np.float64], float]:
    """Probability of ventriculomegaly (N,) and mean class-weighted loss, without augmentation."""
    model.eval()
    weight = torch.ones(2) if weight is None else weight.cpu()
    logits = []
    for part in batches(rows, batch_size, None):
        images = torch.from_numpy(study.images[part]).to(fabric.device)
        logits.append(model(normalise(images)).float().cpu())
    everything = torch.cat(logits)
    labels = torch.from_numpy(study.labels[rows])
    loss = functional.cross_entropy(everything, labels, weight=weight)
    return everything.double().softmax(dim=1)[:, 1].numpy(), float(loss)
