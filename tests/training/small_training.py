"""A training of seconds in a process of its own, which tests kill: four epochs on noise."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import tyro
from safetensors.torch import save_file

from vmcore.data import Fold
from vmcore.models import create_classifier
from vmcore.training import FinetuneSettings, LabelledImages, checkpoint, finetune, make_fabric


def run(
    folder: tyro.conf.Positional[Path],
    *,
    learning_rate: float = 3e-4,
    processes: int = 1,
    dawdle: Literal["no", "epoch", "writing"] = "no",
) -> None:
    """Train; with ``dawdle`` wait in the third epoch or in its checkpoint's writing to be killed."""
    torch.use_deterministic_algorithms(mode=True)
    torch.manual_seed(1)
    rng = np.random.default_rng(0)
    study = LabelledImages(
        rng.integers(0, 255, (22, 3, 224, 224), np.uint8), rng.permutation(np.tile([0, 1], 11))
    )
    fabric = make_fabric("32-true", "cpu", processes)
    fabric.launch()
    seen: list[checkpoint.EpochResult] = []
    real_save = checkpoint.save_file

    def wait(phase: str) -> bool:
        if dawdle == phase and len(seen) == 2:
            (folder / f"in-{phase}").touch()
            time.sleep(100)
        return False

    def slow_save(tensors: dict, path: Path, described: dict) -> None:
        real_save(tensors, path, described)
        with Path(path).open("r+b") as file:  # what a process killed while writing leaves behind
            if dawdle == "writing" and len(seen) == 2:
                file.truncate(1000)
        wait("writing")

    checkpoint.save_file = slow_save
    result = finetune.finetune_fold(
        create_classifier("usf-mae-tiny"), study, Fold(np.arange(14), np.arange(14, 22)),
        FinetuneSettings(epochs=4, batch_size=5, learning_rate=learning_rate), fabric,
        checkpoint=folder / "checkpoint.safetensors",
        on_epoch=seen.append, stop=lambda: wait("epoch"),
    )  # fmt: skip
    if fabric.is_global_zero:
        save_file(result.state, folder / "best.safetensors")
        report = {
            "epochs_run": len(seen),
            "train_loss": [epoch.train_loss for epoch in result.history],
            "validation_loss": [epoch.validation_loss for epoch in result.history],
        }
        (folder / "result.json").write_text(json.dumps(report))


if __name__ == "__main__":
    tyro.cli(run)
