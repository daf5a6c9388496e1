"""What every training here shares: devices and precision, batches, and one optimiser step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, cast

import numpy as np
import numpy.typing as npt
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from vmcore.models import Precision, depthwise_in_float32, plain_attention, training_precision
from vmcore.training.schedule import learning_rate
from vmcore.training.settings import Compiling

CLIP_NORM = 1.0
_ASKED_EVERY = 20  # steps after which several processes agree


def make_fabric(
    precision: Precision | Literal["auto"] = "auto",
    accelerator: str = "auto",
    processes: int = 1,
    device: str | None = None,
) -> Fabric:
    """Devices, precision and processes of a training.

    Args:
        precision: "32-true", "bf16-mixed" or "16-mixed"; "auto" takes what the device computes fast.
        accelerator: "auto", "cpu" or "cuda".
        processes: with more than one, gradients are averaged over them (DDP; gloo on CPU).
        device: "cpu", or "cuda:1" for that one; any free one without. Several processes take the
            first ones.
    """
    chosen: int | list[int] = processes
    if device == "cpu":
        accelerator = "cpu"
    elif device is not None and device.startswith("cuda:") and processes == 1:
        accelerator, chosen = "cuda", [int(device.removeprefix("cuda:"))]
    if precision == "auto":
        on_gpu = accelerator == "cuda" or (accelerator == "auto" and torch.cuda.is_available())
        precision = training_precision(torch.device("cuda" if on_gpu else "cpu"))
    return Fabric(
        accelerator=accelerator,
        devices=chosen,
        strategy="ddp" if processes > 1 else "auto",
        precision=precision,
        plugins=[LightningEnvironment()],  # a Slurm job is ours too: nothing to be guessed
    )


def precision_of(fabric: Fabric) -> Precision:
    """The precision that a fabric trains in, "auto" resolved."""
    return cast("Precision", fabric.strategy.precision.precision)


def set_up(
    fabric: Fabric,
    model: nn.Module,
    *,
    weight_decay: float,
    lr: float,
    compiling: Compiling = "no",
) -> tuple[nn.Module, Optimizer]:
    """The model on its device in the layout that is fastest there, and its AdamW.

    The optimiser has every trainable parameter, with weight decay on all, as in the paper.
    Compiled in place, a model keeps the names of its parameters.
    """
    if fabric.device.type == "cpu":
        plain_attention(model)
        if precision_of(fabric) == "bf16-mixed":
            depthwise_in_float32(model)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    # a fused step takes the loss's scale away itself, after the gradients had to be clipped
    scaled = precision_of(fabric) == "16-mixed"
    optimizer = AdamW(parameters, lr=lr, weight_decay=weight_decay, fused=not scaled)
    if compiling == "yes":
        model.compile()
    wrapped, prepared = fabric.setup(model, optimizer)
    return wrapped, prepared


def plain(optimizer: Optimizer) -> Optimizer:
    """The optimiser inside fabric's wrapper."""
    inner: Optimizer = getattr(optimizer, "optimizer", optimizer)
    return inner


def mean_over(fabric: Fabric, value: Tensor) -> float:
    """A number's mean over all processes."""
    return float(torch.as_tensor(fabric.all_reduce(value, reduce_op="mean")))


def asked_together(fabric: Fabric, question: Callable[[], bool], step: int) -> bool:
    """The first process's answer to a question, the same for all of them.

    Where there are several they ask at every 20th step alone: it makes them wait for one another. If
    each asked for itself, one would stop while the others wait for its gradients.
    """
    if fabric.world_size == 1:
        return question()
    return step % _ASKED_EVERY == 0 and bool(fabric.broadcast(question()))


def share_of(count: int, fabric: Fabric) -> tuple[npt.NDArray[np.int64], float]:
    """Which images of a batch this process takes, and what their mean loss is multiplied by.

    Gradients are averaged over processes; with the factor they are those of the whole batch. Where
    there are fewer images than processes, one goes through without counting.
    """
    mine = np.arange(fabric.global_rank, count, fabric.world_size)
    if len(mine) == 0:
        return np.zeros(1, np.int64), 0.0
    return mine, len(mine) * fabric.world_size / count


def seeded(*numbers: int) -> torch.Generator:
    """CPU generator from any count of seeds (run, fold, epoch), so that an epoch can be repeated."""
    entropy = int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)
    return torch.Generator().manual_seed(entropy)


def batches(
    rows: npt.NDArray[np.int64], size: int, generator: torch.Generator | None
) -> Iterator[npt.NDArray[np.int64]]:
    """Cut rows into batches, shuffled where a generator is given."""
    if generator is not None:
        rows = rows[torch.randperm(len(rows), generator=generator).numpy()]
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def count_batches(rows: int, size: int) -> int:
    """Batches that :func:`batches` yields."""
    return -(-rows // size)


def update(
    fabric: Fabric,
    model: nn.Module,
    optimizer: Optimizer,
    loss: Tensor,
    *,
    step: int,
    steps: int,
    peak: float,
    floor: float = 0.0,
    warm_up: float = 0.1,
) -> float:
    """Set the step's learning rate, go back, clip at norm 1.0 and step; returns the rate."""
    rate = learning_rate(step, steps, peak=peak, floor=floor, warm_up=warm_up)
    for group in optimizer.param_groups:
        group["lr"] = rate
    fabric.backward(loss)
    # a scaled loss overflows now and then: its scaler sees that, leaves the step out and scales less
    finite = precision_of(fabric) != "16-mixed"
    fabric.clip_gradients(model, optimizer, max_norm=CLIP_NORM, error_if_nonfinite=finite)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return rate
