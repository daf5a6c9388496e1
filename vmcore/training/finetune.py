"""Fine-tune a classifier on one fold: class weights, warm-up and cosine, best epoch kept."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional

from vmcore.data.splits import Fold
from vmcore.evaluation import binary_metrics
from vmcore.training.checkpoint import (
    FoldProgress,
    load_checkpoint,
    save_checkpoint,
)
from vmcore.training.epochs import EpochResult
from vmcore.training.normalise import normalise
from vmcore.training.settings import FinetuneSettings
from vmcore.training.steps import (
    asked_together,
    batches,
    count_batches,
    mean_over,
    plain,
    seeded,
    set_up,
    share_of,
    update,
)


@dataclass(frozen=True, slots=True)
class LabelledImages:
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


class Stopped(Exception):  # noqa: N818  not an error: somebody asked for it
    """The training was asked to stop; its last checkpoint stands."""


def finetune_fold(
    model: nn.Module,
    study: LabelledImages,
    fold: Fold,
    settings: FinetuneSettings,
    fabric: Fabric,
    *,
    number: int = 0,
    checkpoint: Path | None = None,
    on_epoch: Callable[[EpochResult], None] | None = None,
    on_step: Callable[[int, int, int], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> FoldResult:
    """Train on a fold and keep the epoch with the highest validation accuracy.

    Ties go to the lower validation loss. The same settings, fold and weights give the same
    result: shuffling, augmentation and dropout are seeded by run, fold and epoch. A training that
    was interrupted goes on from its checkpoint and ends with the weights of one that was not.

    Args:
        model: logits (B, 2).
        study: the images.
        fold: its rows.
        settings: see :class:`FinetuneSettings`.
        fabric: devices, processes and precision; launched already where there are several.
        number: the fold's number, part of the seed.
        checkpoint: file written after each epoch, and gone on from where it is there.
        on_epoch: called after each epoch, on the first process.
        on_step: called before each batch with the epoch, its steps done and all of its steps, on the
            first process.
        stop: asked before each batch whether to stop; now and then where several processes learn together.

    Raises:
        Stopped: ``stop`` said so.
        CheckpointError: the checkpoint is damaged or of another training.
    """
    weight = class_weights(study.labels[fold.train])
    trained, optimizer = set_up(
        fabric, model, weight_decay=settings.weight_decay, lr=settings.learning_rate
    )
    plan = _fingerprint(study, fold, settings, number)
    progress = FoldProgress()
    if checkpoint is not None and checkpoint.is_file():
        progress = load_checkpoint(checkpoint, model, plain(optimizer), plan)
    images = torch.from_numpy(study.images).to(fabric.device)
    per_epoch = count_batches(len(fold.train), settings.batch_size)
    for epoch in range(len(progress.history), settings.epochs):
        started = time.perf_counter()
        generator = seeded(settings.seed, number, epoch)
        torch.manual_seed(generator.initial_seed() + fabric.global_rank)  # dropout's
        trained.train()
        total, rate, step = torch.zeros((), device=fabric.device), 0.0, epoch * per_epoch
        for rows in batches(fold.train, settings.batch_size, generator):
            if stop is not None and asked_together(fabric, stop, step):
                raise Stopped
            if on_step is not None and fabric.is_global_zero:
                on_step(epoch, step - epoch * per_epoch, per_epoch)
            scale, mine = _share(study, rows, weight, fabric)
            matrices = settings.augmentation.matrices(len(rows), generator)[mine]
            own = rows[mine]
            shown = images[_on_device(own, fabric)]
            inputs = normalise(settings.augmentation.apply(shown, matrices))
            labels = _on_device(study.labels[own], fabric)
            each = functional.cross_entropy(trained(inputs).float(), labels, reduction="none")
            loss = (each * scale).sum()
            rate = update(
                fabric, trained, optimizer, loss, step=step, steps=settings.epochs * per_epoch,
                peak=settings.learning_rate, warm_up=settings.warm_up,
            )  # fmt: skip
            total += loss.detach() * len(rows)
            step += 1
        train_loss = mean_over(fabric, total) / len(fold.train)
        probability, validation_loss = predict(trained, study, fold.validation, fabric, weight)
        result = EpochResult(
            epoch, train_loss, validation_loss,
            binary_metrics(study.labels[fold.validation], probability),
            rate, round(time.perf_counter() - started, 3),
        )  # fmt: skip
        progress.take(result, model)
        if fabric.is_global_zero:
            if checkpoint is not None:
                save_checkpoint(checkpoint, model, plain(optimizer), progress, plan)
            if on_epoch:
                on_epoch(result)
    if progress.best is None:
        raise ValueError("A training needs at least one epoch.")
    return FoldResult(progress.best_state, progress.best, tuple(progress.history))


def _fingerprint(study: LabelledImages, fold: Fold, settings: FinetuneSettings, number: int) -> str:
    """What makes a training the same training: settings, images, labels, rows, fold."""
    digest = hashlib.sha256(settings.model_dump_json().encode())
    for part in (study.images, study.labels, fold.train, fold.validation, study.weights):
        digest.update(b"-" if part is None else np.ascontiguousarray(part).data)
    digest.update(str(number).encode())
    return digest.hexdigest()


def _share(
    study: LabelledImages, rows: npt.NDArray[np.int64], weight: Tensor, fabric: Fabric
) -> tuple[Tensor, npt.NDArray[np.int64]]:
    """This process's part of a batch: what each image's loss is multiplied by, and which ones.

    The factors of the whole batch add up to 1, as in torch's class-weighted cross-entropy; they
    are multiplied by the number of processes because gradients are averaged over these.
    """
    scale = weight[torch.from_numpy(study.labels[rows])]
    if study.weights is not None:
        scale = scale * torch.from_numpy(study.weights[rows]).float()
    scale = scale / scale.sum() * fabric.world_size
    mine, counted = share_of(len(rows), fabric)
    scale = scale[torch.from_numpy(mine)] * bool(counted)
    return scale.to(fabric.device, non_blocking=True), mine


def _on_device(values: npt.NDArray[np.int64], fabric: Fabric) -> Tensor:
    """Numbers on the device, which need not wait for them."""
    return torch.from_numpy(values).to(fabric.device, non_blocking=True)


@torch.no_grad()
def predict(
    model: nn.Module,
    study: LabelledImages,
    rows: npt.NDArray[np.int64],
    fabric: Fabric,
    weight: Tensor | None = None,
    batch_size: int = 128,
) -> tuple[npt.NDArray[np.float64], float]:
    """Probability of ventriculomegaly (N,) and mean class-weighted loss, without augmentation.

    The model is moved to the fabric's device, where the images go.
    """
    model.to(fabric.device).eval()
    weight = torch.ones(2) if weight is None else weight.cpu()
    processes = fabric.world_size
    padded = np.concatenate([rows, rows[:1].repeat(-len(rows) % processes)])
    logits = []
    for part in batches(padded[fabric.global_rank :: processes], batch_size, None):
        images = torch.from_numpy(study.images[part]).to(fabric.device)
        logits.append(model(normalise(images)).float())
    own = torch.cat(logits)
    gathered = torch.as_tensor(fabric.all_gather(own)) if processes > 1 else own[None]
    everything = gathered.transpose(0, 1).reshape(-1, 2)[: len(rows)].cpu()
    labels = torch.from_numpy(study.labels[rows])
    loss = functional.cross_entropy(everything, labels, weight=weight)
    return everything.double().softmax(dim=1)[:, 1].numpy(), float(loss)
