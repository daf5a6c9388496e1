"""Pretraining's images a second, and a fold of the paper's size: ``python -m benchmarks.pretraining``.

Against two limits in the same run: the same network on one random batch that is on the device already,
and the rate at which the device multiplies large matrices. Worth it on a GPU; on a processor name a
small network and few images.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Literal
from unittest.mock import patch

import numpy as np
import torch
import tyro
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from vmcore.data import Fold
from vmcore.files import write_atomically
from vmcore.models import MAE_SHAPES, MaskedAutoencoder, create_classifier, fast_dtype
from vmcore.training import (
    Compiling,
    FinetuneSettings,
    LabelledImages,
    PretrainSettings,
    feeding,
    finetune_fold,
    make_fabric,
    pretrain,
)
from vmcore.training.steps import set_up, update

PAPER_IMAGES = 370_000 * 100  # of USF-MAE's pretraining, all epochs together
_WARM = 5

Attention = Literal["torch's choice", "cuDNN"]
Way = tuple[int, Compiling, Attention]


def timed(device: torch.device, work: Callable[[], object]) -> float:
    """Seconds that work takes, the device's own included."""
    wait = torch.cuda.synchronize if device.type == "cuda" else (lambda: None)
    wait()
    started = time.perf_counter()
    work()
    wait()
    return time.perf_counter() - started


def matrix_rate(device: torch.device, side: int) -> float:
    """Floating-point operations a second of a product of two square matrices, in the fast type."""
    one, other = (torch.randn(side, side, device=device, dtype=fast_dtype(device)) for _ in "ab")
    taken = [timed(device, lambda: one @ other) for _ in range(13)]
    return 2 * side**3 / statistics.median(taken[3:])


def operations(architecture: str, device: torch.device) -> float:
    """Operations that an image takes, forth and back."""
    model = MaskedAutoencoder(MAE_SHAPES[architecture]).to(device)
    with FlopCounterMode(display=False) as counted:
        loss, _, _ = model(torch.randn(2, 3, 224, 224, device=device))
        loss.backward()
    return float(counted.get_total_flops()) / 2


def attending(backend: Attention) -> AbstractContextManager[object]:
    """What computes attention within: torch's own choice, or cuDNN where it can."""
    if backend == "torch's choice":
        return nullcontext()
    ways = [SDPBackend.CUDNN_ATTENTION, SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION,
            SDPBackend.MATH]  # fmt: skip
    return sdpa_kernel(ways, set_priority=True)


def bare(architecture: str, batch: int, count: int, compiling: Compiling) -> float:
    """Images a second of the network alone, on one random batch."""
    fabric = make_fabric()
    wrapped, optimizer = set_up(
        fabric, MaskedAutoencoder(MAE_SHAPES[architecture]), weight_decay=0.01, lr=1e-4,
        compiling=compiling,
    )  # fmt: skip
    wrapped.train()
    images = torch.randn(batch, 3, 224, 224, device=fabric.device)
    noise = torch.rand(batch, 196, device=fabric.device)

    def steps(number: int) -> None:
        for step in range(number):
            loss, _, _ = wrapped(images, 0.25, noise)
            update(fabric, wrapped, optimizer, loss, step=step, steps=1000, peak=1e-4)

    steps(_WARM)
    return batch * count / timed(fabric.device, lambda: steps(count))


def ours(architecture: str, batch: int, images: int, compiling: Compiling) -> float:
    """Images a second of :func:`vmcore.training.pretrain`, the first epoch left out."""
    noise = np.random.default_rng(0).integers(0, 255, (images, 224, 224), np.uint8)
    history = pretrain(
        MaskedAutoencoder(MAE_SHAPES[architecture]), noise,
        PretrainSettings(epochs=3, batch_size=batch), make_fabric(), compiling=compiling,
    )  # fmt: skip
    return max(epoch.images_per_s for epoch in history[1:])


def fold_seconds(architecture: str, learnt: int, validated: int, epochs: int) -> float:
    """Seconds of fine-tuning a fold, with the paper's batches of 128."""
    rng = np.random.default_rng(0)
    count = learnt + validated
    study = LabelledImages(
        rng.integers(0, 255, (count, 3, 224, 224), np.uint8),
        rng.permutation(np.arange(count) % 6 == 0).astype(np.int64),
    )
    fold = Fold(np.arange(learnt), np.arange(learnt, count))
    started = time.perf_counter()
    finetune_fold(
        create_classifier(architecture), study, fold, FinetuneSettings(epochs=epochs), make_fabric()
    )
    return time.perf_counter() - started


def measured(
    architecture: str, way: Way, count: int, images: int, limit: float, each: float
) -> dict[str, object]:
    """Figures of one way to pretrain: a batch, compiled or not, and what computes attention."""
    batch, compiling, attention = way
    began = time.perf_counter()
    with attending(attention):
        alone = bare(architecture, batch, count, compiling)
        mine = ours(architecture, batch, images, compiling)
    return {
        "batch": batch,
        "compiled": compiling == "yes",
        "attention": attention,
        "images_per_s": round(mine),
        "share_of_bare_network": round(mine / alone, 3),
        "share_of_matrix_rate": round(mine * each / limit, 3),
        "hours_for_370k_images_100_epochs": round(PAPER_IMAGES / mine / 3600, 2),
        "seconds_measured": round(time.perf_counter() - began, 1),
    }


def main(
    architecture: str = "usf-mae",
    batches: tuple[int, ...] = (64, 256),
    compiled: tuple[int, ...] = (256, 512),
    count: int = 30,
    images: int = 4096,
    fold: tuple[int, int, int] | None = (560, 140, 100),
    side: int = 8192,
    out: Path = Path("benchmarks/pretraining.json"),
) -> None:
    """Measure; the file is written anew after each figure.

    Args:
        architecture: a masked autoencoder's.
        batches: sizes as the network comes.
        compiled: sizes of the compiled network, where there is a GPU; the first with cuDNN's attention
            too.
        count: batches of the bare network.
        images: that are pretrained on.
        fold: images learnt from, images validated, and epochs; None measures no fold.
        side: of the matrices.
        out: where the figures go.
    """
    device = make_fabric().device
    gpu = device.type == "cuda"
    limit, each = matrix_rate(device, side), operations(architecture, device)
    figures: dict[str, object] = {
        "device": torch.cuda.get_device_name(0) if gpu else "cpu",
        "torch": torch.__version__,
        "model": architecture,
        "matrix_tflop_per_s": round(limit / 1e12, 1),
        "gflop_per_image": round(each / 1e9, 1),
    }

    def keep(name: str, value: object) -> None:
        figures[name] = value
        write_atomically(out, json.dumps(figures, indent=2) + "\n")

    ways: list[Way] = [(batch, "no", "torch's choice") for batch in batches]
    if gpu and compiled:
        ways += [(compiled[0], "yes", "torch's choice"), (compiled[0], "yes", "cuDNN")]
        ways += [(batch, "yes", "torch's choice") for batch in compiled[1:]]
    results: list[dict[str, object]] = []
    for way in ways:
        torch.compiler.reset()
        results.append(measured(architecture, way, count, images, limit, each))
        keep("results", results)
    if gpu and batches:
        with patch.object(feeding, "_MOST_OF_DEVICE", 0.0):
            ahead = ours(architecture, max(batches), images, "no")
        kept = next(one for one in results if one["batch"] == max(batches) and not one["compiled"])
        keep(
            "read_ahead_share_of_kept_on_the_card",
            round(ahead / float(str(kept["images_per_s"])), 3),
        )
    if fold is not None:
        keep("fold", {
            "images": list(fold[:2]), "epochs": fold[2],
            "seconds": round(fold_seconds(architecture, *fold), 1),
            "published_minutes_on_an_l40s": 45,
        })  # fmt: skip
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    tyro.cli(main)
