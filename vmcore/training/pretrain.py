"""Pretrain a masked autoencoder on unlabelled images."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer

from vmcore.models import MaskedAutoencoder
from vmcore.training.epochs import PretrainEpoch
from vmcore.training.feeding import Feed, Images
from vmcore.training.finetune import Stopped
from vmcore.training.normalise import normalise
from vmcore.training.pretrain_checkpoint import Position, load_position, save_position
from vmcore.training.schedule import learning_rate
from vmcore.training.settings import Compiling, PretrainSettings
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

_KEPT_EVERY_S = 300.0
_KEPT_EVERY = 20  # steps after which processes agree whether it is time for a checkpoint
_HASHED = 1024


def pretrain(
    model: MaskedAutoencoder,
    images: Images,
    settings: PretrainSettings,
    fabric: Fabric,
    *,
    checkpoint: Path | None = None,
    on_epoch: Callable[[PretrainEpoch], None] | None = None,
    on_step: Callable[[int, int, int], None] | None = None,
    stop: Callable[[], bool] | None = None,
    keep_every_s: float = _KEPT_EVERY_S,
    compiling: Compiling = "no",
) -> tuple[PretrainEpoch, ...]:
    """Train the masked autoencoder in place.

    Batches, augmentation and hidden patches are seeded by run, epoch and step, so that a training that
    was interrupted, in the middle of an epoch too, goes on as if it had not been; several processes
    take each batch in turns and give the gradients of one.

    Args:
        model: the masked autoencoder, from random or from other weights.
        images: uint8 (N, 224, 224) grey or (N, 3, 224, 224); an array, or what reads rows of a corpus.
        settings: see :class:`PretrainSettings`.
        fabric: devices, processes and precision; launched already where there are several.
        checkpoint: file written after each epoch and every few minutes, gone on from where it is there.
        on_epoch: called after each epoch, on the first process.
        on_step: called before each batch with the epoch, its steps done and all of its steps, on the
            first process.
        stop: asked before each batch whether to stop; now and then where several processes learn together.
        keep_every_s: seconds between two checkpoints within an epoch.
        compiling: "yes" has torch compile the network, which takes a minute and pays on large GPUs.

    Returns:
        every epoch, those before an interruption included.

    Raises:
        Stopped: ``stop`` said so.
        CheckpointError: the checkpoint is damaged or of another training.
        ValueError: no images.
    """
    if len(images) == 0:
        raise ValueError("There are no images to pretrain on.")
    model.loss_on, model.normalise_patches = settings.loss_on, settings.normalise_patches
    wrapped, optimizer = set_up(
        fabric, model, weight_decay=settings.weight_decay, lr=settings.learning_rate,
        compiling=compiling,
    )  # fmt: skip
    plan, source = _fingerprint(images, settings), Feed(images, fabric.device)
    at = Position()
    if checkpoint is not None and checkpoint.is_file():
        at = load_position(checkpoint, model, plain(optimizer), plan)
    history = [PretrainEpoch(**entry) for entry in at.history]
    per_epoch = count_batches(len(images), settings.batch_size)
    patches = model.patch_embed.num_patches
    wrapped.train()
    while len(history) < settings.epochs:
        epoch, kept = len(history), time.monotonic()
        shuffled = seeded(settings.seed, epoch)
        order = list(batches(np.arange(len(images)), settings.batch_size, shuffled))[at.step :]
        shares = [share_of(len(rows), fabric) for rows in order]
        pixels = source([rows[mine] for rows, (mine, _) in zip(order, shares, strict=True)])
        total = torch.tensor(at.total, dtype=torch.float64, device=fabric.device)
        begun, first = time.perf_counter() - at.seconds, at.step
        done = (
            epoch * per_epoch + at.step
        )  # where an epoch's last step was done before, its rate was that
        rate = learning_rate(
            max(done - 1, 0), settings.epochs * per_epoch, peak=settings.learning_rate,
            floor=settings.floor, warm_up=settings.warm_up,
        )  # fmt: skip
        coming = (
            _inputs(given, len(rows), mine, settings, (epoch, step), patches)
            for step, (given, rows, (mine, _)) in enumerate(
                zip(pixels, order, shares, strict=True), first
            )
        )
        inputs = next(coming, None)
        for step, (_, factor) in enumerate(shares, start=first):
            if stop is not None and asked_together(fabric, stop, step):
                raise Stopped
            if on_step is not None and fabric.is_global_zero:
                on_step(epoch, step, per_epoch)
            whole = len(order[step - first])
            shown, noise = cast("tuple[Tensor, Tensor]", inputs)
            loss, _, _ = wrapped(shown, settings.mask_ratio, noise)
            inputs = next(coming, None)  # before the update, which waits for the gradients' norm
            rate = update(
                fabric, wrapped, optimizer, loss * factor, step=epoch * per_epoch + step,
                steps=settings.epochs * per_epoch, peak=settings.learning_rate,
                floor=settings.floor, warm_up=settings.warm_up,
            )  # fmt: skip
            total += loss.detach().double() * (factor * whole)
            if step % _KEPT_EVERY == 0 and fabric.broadcast(
                time.monotonic() - kept >= keep_every_s
            ):
                taken = time.perf_counter() - begun
                at = Position(at.history, step + 1, mean_over(fabric, total), taken)
                _keep(fabric, checkpoint, model, optimizer, at, plan)
                kept = time.monotonic()
        mean, taken = mean_over(fabric, total) / len(images), time.perf_counter() - begun
        speed = round(len(images) / taken, 2)
        history.append(PretrainEpoch(epoch, mean, rate, round(taken, 3), speed))
        at = Position(tuple(asdict(one) for one in history))
        _keep(fabric, checkpoint, model, optimizer, at, plan)
        if on_epoch and fabric.is_global_zero:
            on_epoch(history[-1])
    return tuple(history)


def _inputs(
    pixels: Tensor,
    whole: int,
    mine: npt.NDArray[np.int64],
    settings: PretrainSettings,
    at: tuple[int, int],
    patches: int,
) -> tuple[Tensor, Tensor]:
    """What a process shows of a batch of ``whole`` images, and the noise that hides patches."""
    generator = seeded(settings.seed, *at)
    matrices = settings.augmentation.matrices(whole, generator)[mine]
    noise = torch.rand(whole, patches, generator=generator)[mine]
    shown = settings.augmentation.apply(pixels, matrices).expand(-1, 3, -1, -1)
    return normalise(shown), noise.to(pixels.device, non_blocking=True)


def _keep(
    fabric: Fabric, path: Path | None, model: nn.Module, optimizer: Optimizer, at: Position, plan: str
) -> None:  # fmt: skip
    if path is not None and fabric.is_global_zero:
        save_position(path, model, plain(optimizer), at, plan)


def _fingerprint(images: Images, settings: PretrainSettings) -> str:
    """What makes a pretraining the same pretraining: settings and images."""
    digest = hashlib.sha256(settings.model_dump_json().encode())
    known = getattr(images, "digest", None)
    if known is not None:
        digest.update(str(known).encode())
    else:
        for rows in batches(np.arange(len(images)), _HASHED, None):
            digest.update(np.ascontiguousarray(images[rows]).data)
    return digest.hexdigest()
