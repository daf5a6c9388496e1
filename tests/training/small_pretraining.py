"""A pretraining of seconds in a process of its own, which tests kill: three epochs on noise."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import torch
import tyro
from safetensors.torch import save_file

from vmcore.models import MAE_SHAPES, MaskedAutoencoder
from vmcore.training import PretrainSettings, make_fabric, pretrain


def run(
    folder: tyro.conf.Positional[Path],
    *,
    learning_rate: float = 3e-4,
    processes: int = 1,
    die_before: int = -1,
) -> None:
    """Pretrain; wait to be killed before the batch of that number, counted over all epochs."""
    torch.use_deterministic_algorithms(mode=True)
    torch.manual_seed(1)
    images = np.random.default_rng(0).integers(0, 255, (21, 224, 224), np.uint8)
    fabric = make_fabric("32-true", "cpu", processes)
    fabric.launch()
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        if asked - 1 == die_before:
            (folder / "waits").touch()
            time.sleep(100)
        return False

    model = MaskedAutoencoder(MAE_SHAPES["usf-mae-tiny"])
    # the last batch of an epoch holds one image: with two processes one of them has none
    settings = PretrainSettings(epochs=3, batch_size=4, learning_rate=learning_rate)
    history = pretrain(
        model, images, settings, fabric, checkpoint=folder / "checkpoint.safetensors",
        stop=stop, keep_every_s=0,
    )  # fmt: skip
    if fabric.is_global_zero:
        save_file(model.state_dict(), folder / "weights.safetensors")
        report = {"steps": asked, "loss": [epoch.loss for epoch in history]}
        (folder / "result.json").write_text(json.dumps(report))


if __name__ == "__main__":
    tyro.cli(run)
