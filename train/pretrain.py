"""Pretrain a masked autoencoder: ``python -m train.pretrain --studies NAME``, as in the browser."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Literal

import tyro

from train.following import begun, follow
from vmcore.file_modes import keep_private
from vmcore.models import Precision
from vmcore.runs import (
    HeldOut,
    PretrainPlan,
    RunError,
    RunFolder,
    corpora_folder,
    resume_run,
    start_run,
    studies_folder,
)
from vmcore.training import PRETRAIN_PRESETS

_OWN = ("epochs", "batch_size", "learning_rate", "weight_decay", "mask_ratio", "seed")


@dataclass(frozen=True)
class PretrainArguments:
    """What to learn from, and how. Settings that are not given are the preset's."""

    studies: tuple[str, ...] = ()
    """Names of prepared studies; their labels are not looked at."""
    corpora: tuple[str, ...] = ()
    """Names of prepared corpora of unlabelled images."""
    leave_out_study: tuple[str, ...] = ()
    """Further prepared studies whose test images stay unseen, should a corpus hold them."""
    name: str = "pretraining"
    architecture: str = "usf-mae"
    weights: str = "random"
    """random, usf-mae-100, usf-mae-500, run:ID of a pretraining, or a masked autoencoder's file."""
    preset: str = "usf-mae"
    """Settings by name."""
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    weight_decay: float | None = None
    mask_ratio: float | None = None
    seed: int | None = None
    see_test_images: bool = False
    """Learn from all images. Without it those stay unseen that a cross-validation of each study with
    the split below holds out for its test, in whichever source they stand."""
    folds: int = 5
    test_fraction: float = 0.15
    by_image: bool = False
    split_seed: int = 0
    precision: Precision | Literal["auto"] = "auto"
    """auto: what the device computes fast; the run keeps to it."""
    processes: int = 1
    compiling: bool = False
    """Have torch compile the network: takes a minute at the start, pays on large GPUs."""
    resume: str | None = None
    """A run to go on with instead of starting a new one."""
    detach: bool = False
    """Do not wait for the end."""

    def plan(self) -> PretrainPlan:
        """The plan that is wished for."""
        if self.preset not in PRETRAIN_PRESETS:
            raise RunError(f"No preset is called {self.preset!r}: {'; '.join(PRETRAIN_PRESETS)}.")
        given = {key: value for key in _OWN if (value := getattr(self, key)) is not None}
        folders = [studies_folder() / name for name in self.studies]
        held = () if self.see_test_images else tuple(
            HeldOut(
                study=folder, folds=self.folds, test_fraction=self.test_fraction,
                split_by="image" if self.by_image else "subject", split_seed=self.split_seed,
            )
            for folder in [*folders, *(studies_folder() / name for name in self.leave_out_study)]
        )  # fmt: skip
        return PretrainPlan.model_validate(
            {
                "name": self.name,
                "studies": folders,
                "corpora": [corpora_folder() / name for name in self.corpora],
                "architecture": self.architecture,
                "weights": self.weights,
                "settings": PRETRAIN_PRESETS[self.preset].model_dump() | given,
                "leave_out_test_of": held,
                "precision": self.precision,
                "processes": self.processes,
                "compiling": "yes" if self.compiling else "no",
            }
        )


def main(arguments: PretrainArguments) -> None:
    """Start or resume a pretraining and wait for it; Ctrl-C stops it."""
    folder = begun(lambda: _begin(arguments))
    if arguments.detach:
        return
    follow(folder, "train.pretrain")
    sys.stdout.write(
        f"\nThe weights are in {folder.pretrained}.\nFine-tune from them with: "
        f"python -m train.crossval --study NAME --weights run:{folder.run_id}\n"
    )


def _begin(arguments: PretrainArguments) -> RunFolder:
    return resume_run(arguments.resume) if arguments.resume else start_run(arguments.plan())


if __name__ == "__main__":
    keep_private()
    main(tyro.cli(PretrainArguments))
