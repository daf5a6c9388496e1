"""Does pretraining help the classifier? ``python -m train.encoders --data FOLDER``.

Encoders are pretrained on real images of fetuses of which the bundled model's study holds none, so that
every fold may start from them. Then the study's folds are fine-tuned from each and from random
weights, on all of their subjects and on parts of them, and judged out of fold on real images. Every step
keeps its result in the work folder and is skipped when that is there.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
import tyro
from safetensors.torch import load_file

from train.bundled import Recipe as BundleRecipe
from train.bundled import prepare as prepare_study
from train.encoders_data import unlabelled_table
from train.encoders_figures import figures_of
from train.keeping import keep_state
from vmcore.data import Fold, Splits, load_prepared, prepare_images
from vmcore.files import write_atomically
from vmcore.imaging import CleaningSettings
from vmcore.models import MAE_SHAPES, MaskedAutoencoder, create_classifier
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


@dataclass(frozen=True)
class Recipe:
    """What is compared."""

    data: Path
    """Folder with the public sets, as for ``train.bundled``."""
    work: Path = Path("build/encoders")
    """Folder for intermediate results and ``figures.json``."""
    study: Path = Path("build/bundled")
    """The bundled model's work folder, whose prepared images are taken."""
    architectures: tuple[str, ...] = ("usf-mae-tiny",)
    mask_ratios: tuple[float, ...] = (0.75, 0.25)
    pretrain_epochs: int = 500
    finetune_epochs: int = 30
    shares: tuple[float, ...] = (1.0,)
    """Parts of each fold's subjects that are learnt from."""
    most: int | None = None
    """Unlabelled images at the most; all of them without."""
    seed: int = 11


def unlabelled(recipe: Recipe) -> npt.NDArray[np.uint8]:
    """Images (N, 224, 224) of fetuses of which the study holds none, without looking for text."""
    study = BundleRecipe(recipe.data, work=recipe.study).manifest()
    table = unlabelled_table(recipe.data, study).head(recipe.most)
    folder = recipe.work / "prepared"
    settings = CleaningSettings(remove_text=False)
    report = prepare_images(table, recipe.data, folder, settings=settings)
    table = table[~table["path"].isin(list(report.unreadable))]
    return np.ascontiguousarray(load_prepared(table, folder)[:, 1])


def encoder(recipe: Recipe, architecture: str, mask_ratio: float) -> Path:
    """Pretrain a masked autoencoder, unless it is there."""
    path = recipe.work / f"{architecture}-{mask_ratio:g}.safetensors"
    if not path.is_file():
        images = unlabelled(recipe)
        torch.manual_seed(recipe.seed)
        model = MaskedAutoencoder(MAE_SHAPES[architecture])
        settings = PretrainSettings(
            epochs=recipe.pretrain_epochs, batch_size=256, learning_rate=1e-3, weight_decay=0.05,
            mask_ratio=mask_ratio, seed=recipe.seed,
        )  # fmt: skip
        pretrain(
            model, images, settings, make_fabric(),
            checkpoint=path.with_suffix(".checkpoint.safetensors"),
            on_epoch=lambda one: log.info("%s, epoch %d: loss %.4f", path.stem, one.epoch, one.loss),
        )  # fmt: skip
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


def judged(
    recipe: Recipe,
    table: pd.DataFrame,
    study: LabelledImages,
    splits: Splits,
    architecture: str,
    start: Path | None,
    share: float,
) -> pd.DataFrame:
    """Probabilities out of fold, by image, of folds that began with ``start``."""
    name = f"{architecture}-from-{start.stem if start else 'random'}-{share:g}"
    path = recipe.work / f"{name}.csv"
    if not path.is_file():
        parts = []
        for number, fold in enumerate(splits.folds, start=1):
            epochs = min(
                round(recipe.finetune_epochs / share), _MOST_EPOCHS * recipe.finetune_epochs
            )
            learnt = part_of(table, fold.train, share, number).train
            torch.manual_seed(seeded(recipe.seed, number).initial_seed())
            model = create_classifier(architecture, load_file(start) if start else None)
            result = finetune_fold(
                model, study, Fold(learnt, fold.validation),
                FinetuneSettings(epochs=epochs, batch_size=64, seed=recipe.seed),
                make_fabric(), number=number,
            )  # fmt: skip
            best = create_classifier(architecture, result.state)
            said, _ = predict(best, study, fold.validation, make_fabric("32-true"))
            parts.append(pd.DataFrame({"row": fold.validation, "probability": said}))
            log.info("%s: fold %d done.", name, number)
        write_atomically(path, pd.concat(parts).to_csv(index=False))
    return pd.read_csv(path)


def main(recipe: Recipe) -> None:
    """Pretrain, fine-tune, and write the figures."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    recipe.work.mkdir(parents=True, exist_ok=True)
    table, splits, study = prepare_study(BundleRecipe(recipe.data, work=recipe.study))
    answers = {}
    for architecture in recipe.architectures:
        starts = [None, *(encoder(recipe, architecture, ratio) for ratio in recipe.mask_ratios)]
        for start in starts:
            for share in recipe.shares:
                answers[f"{architecture}, {start.stem if start else 'random'}, {share:g}"] = judged(
                    recipe, table, study, splits, architecture, start, share
                )
    figures = figures_of(table, answers)
    write_atomically(recipe.work / "figures.json", json.dumps(figures, indent=2) + "\n")
    log.info("%s", json.dumps(figures, indent=2))


if __name__ == "__main__":
    main(tyro.cli(Recipe))
