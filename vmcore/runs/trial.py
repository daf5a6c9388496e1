"""How fast this machine trains a plan's network: a few steps on the plan's own batch size."""

from __future__ import annotations

import time

import numpy as np
import torch
from torch.nn import functional

from vmcore.models import MAE_SHAPES, MaskedAutoencoder, create_classifier
from vmcore.runs.plan import Plan
from vmcore.runs.pretraining_plan import PretrainPlan
from vmcore.training import make_fabric, pretrain
from vmcore.training.normalise import normalise
from vmcore.training.steps import seeded, set_up, update

_LARGEST_TRIAL = 32


def seconds_per_image(plan: Plan, steps: int) -> tuple[float, float]:
    """Seconds for an image forth and back, and forth only, after one step to warm up."""
    chosen = plan.settings
    fabric = make_fabric(plan.precision)
    model = create_classifier(plan.architecture, pooling=plan.pooling)
    wrapped, optimizer = set_up(
        fabric, model, weight_decay=chosen.weight_decay, lr=chosen.learning_rate
    )
    size = min(chosen.batch_size, _LARGEST_TRIAL)
    generator = seeded(0)
    images = torch.randint(0, 255, (size, 3, 224, 224), dtype=torch.uint8, generator=generator)
    images = images.to(fabric.device)
    labels = torch.zeros(size, dtype=torch.long, device=fabric.device)

    def both(step: int) -> None:
        inputs = normalise(chosen.augmentation(images, generator))
        loss = functional.cross_entropy(wrapped(inputs).float(), labels)
        update(fabric, wrapped, optimizer, loss, step=step, steps=steps + 1, peak=1e-6)

    def forth() -> None:
        with torch.no_grad():
            wrapped(normalise(images)).float().cpu()

    both(0)
    started = time.perf_counter()
    for step in range(1, steps + 1):
        both(step)
    forth()  # also waits for a GPU's queue
    middle = time.perf_counter()
    forth()
    ended = time.perf_counter()
    once = ended - middle
    return (middle - started - once) / (steps * size), once / size


def pretraining_seconds_per_image(plan: PretrainPlan, steps: int) -> float:
    """Seconds for an image of a pretraining, after one epoch to warm up."""
    size = min(plan.settings.batch_size, _LARGEST_TRIAL)
    noise = np.random.default_rng(0).integers(0, 255, (size * steps, 224, 224), np.uint8)
    tried = plan.settings.model_copy(update={"epochs": 2, "batch_size": size})
    model = MaskedAutoencoder(MAE_SHAPES[plan.architecture])
    _, timed = pretrain(model, noise, tried, make_fabric(plan.precision))
    return timed.seconds / len(noise)
