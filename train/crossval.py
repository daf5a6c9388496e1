"""Cross-validate: ``python -m train.crossval --study NAME``, the same runs as in the browser."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Literal

import pandas as pd
import tyro

from train.following import begun, follow
from vmcore.file_modes import keep_private
from vmcore.models import Precision
from vmcore.runs import (
    PAPER_SETTINGS,
    Plan,
    RunError,
    RunFolder,
    resume_run,
    start_run,
    studies_folder,
)


@dataclass(frozen=True)
class CrossvalArguments:
    """What to run. Epochs, batch size, learning rate, weight decay and folds are the paper's where they are not given.

    Starting weights and split are not: the paper starts from pretrained weights (--weights usf-mae-100, or
    imagenet for the baselines) and splits by image (--by-image).
    """

    study: str = ""
    """A prepared study's name."""
    name: str = "cross-validation"
    architecture: str = "usf-mae"
    weights: str = "random"
    """random, imagenet, bundled, usf-mae-100, usf-mae-500, run:ID (of a pretraining too), or a file."""
    pooling: Literal["token", "avg"] = "token"
    """What a vision transformer's head reads: the class token, or the mean of the patches."""
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    weight_decay: float | None = None
    folds: int = 5
    by_image: bool = False
    """Split as the paper does; one fetus may then stand on both sides."""
    seed: int = 0
    precision: Precision | Literal["auto"] = "auto"
    """auto: what the device computes fast; the run keeps to it."""
    accept_seen: bool = False
    """Go on with weights that have learnt from images which are judged here; results are marked."""
    pairs: bool = False
    """Add pairs of each fold's normal heads, with a normal and with a widened ventricle; they are made
    from the original files, where these are still there and an atrium is surely found."""
    processes: int = 1
    resume: str | None = None
    """A run to go on with instead of starting a new one."""
    detach: bool = False
    """Do not wait for the end."""

    def plan(self) -> Plan:
        """The plan that is wished for."""
        if self.architecture not in PAPER_SETTINGS:
            raise RunError(
                f"No architecture is called {self.architecture!r}: {', '.join(PAPER_SETTINGS)}."
            )
        given = {
            key: value
            for key in ("epochs", "batch_size", "learning_rate", "weight_decay")
            if (value := getattr(self, key)) is not None
        }
        paper = PAPER_SETTINGS[self.architecture].model_dump()
        return Plan.model_validate(
            {
                "name": self.name,
                "study": studies_folder() / self.study,
                "architecture": self.architecture,
                "weights": self.weights,
                "pooling": self.pooling,
                "settings": {**paper, **given, "seed": self.seed},
                "folds": self.folds,
                "split_by": "image" if self.by_image else "subject",
                "split_seed": self.seed,
                "precision": self.precision,
                "processes": self.processes,
                "pairs": self.pairs,
                "accept_seen": self.accept_seen,
            }
        )


def main(arguments: CrossvalArguments) -> None:
    """Start or resume a run and wait for it; Ctrl-C stops it."""
    folder = begun(lambda: _begin(arguments))
    if arguments.detach:
        return
    follow(folder, "train.crossval")
    for title, rows in folder.results().items():
        sys.stdout.write(f"\n{title}\n{pd.DataFrame(rows).to_string(index=False)}\n")


def _begin(arguments: CrossvalArguments) -> RunFolder:
    return resume_run(arguments.resume) if arguments.resume else start_run(arguments.plan())


if __name__ == "__main__":
    keep_private()
    main(tyro.cli(CrossvalArguments))
