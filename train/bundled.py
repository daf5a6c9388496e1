"""Make the bundled model: ``python -m train.bundled --data FOLDER``.

Every step keeps its result in the work folder and is skipped when that is there, so a run that
was stopped goes on where it was.
"""

from __future__ import annotations

import logging
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import torch
import tyro
from safetensors.torch import load_file
from torch import Tensor

from train.bundled_card import write_bundle
from train.bundled_data import (
    bundled_manifest,
    draw_phantoms,
    kept_splits,
    other_organs,
    warm_up_phantom,
)
from train.bundled_pairs import real_pairs
from train.keeping import keep_state
from vmcore.data import (
    Augmentation,
    Splits,
    label_numbers,
    load_prepared,
    prepare_images,
)
from vmcore.files import write_atomically
from vmcore.models import MAE_SHAPES, MaskedAutoencoder, create_classifier
from vmcore.training import (
    FinetuneSettings,
    LabelledImages,
    PretrainSettings,
    finetune_fold,
    learn_ventricle_patches,
    make_fabric,
    pretrain,
)

log = logging.getLogger("train.bundled")


@dataclass(frozen=True)
class Recipe:
    """What the bundled model is made of. The defaults are those of the published bundle."""

    data: Path
    """Folder with fetal-brain-abnormalities, fetal-planes and hc18."""
    work: Path = Path("build/bundled")
    """Folder for intermediate results."""
    out: Path = Path("assets/model")
    """Folder of the finished bundle."""
    architecture: Annotated[str, tyro.conf.arg(help="a usf-mae architecture")] = "usf-mae-tiny"
    heads: int = 400
    """HC18 images taken."""
    drawn: int = 300
    """Phantoms of each class in the folds and the test set."""
    warm_up_phantoms: int = 6000
    """Phantoms for learning ventricles; none of them is in a fold or the test set."""
    pretrain_epochs: int = 20
    ventricle_epochs: int = 6
    finetune_epochs: int = 8
    pair_epochs: int = 0
    """Epochs that each fold goes on with pairs of its real normal heads; none by default."""
    real_weight: float = 3.0
    """Weight of a real ventriculomegaly image's loss against a phantom's."""
    seed: int = 11

    def manifest(self) -> pd.DataFrame:
        """The images of the study."""
        return bundled_manifest(
            self.data.resolve(),
            self.work.resolve(),
            heads=self.heads,
            drawn=self.drawn,
            seed=self.seed,
        )


def prepare(recipe: Recipe) -> tuple[pd.DataFrame, Splits, LabelledImages]:
    """Draw, read and clean everything; returns the manifest, its splits and the images."""
    recipe.work.mkdir(parents=True, exist_ok=True)
    draw_phantoms(recipe.work, recipe.drawn, recipe.seed)
    table = recipe.manifest()
    prepared = recipe.work / "prepared"
    for root, part in table.groupby("root"):
        report = prepare_images(part, Path(str(root)), prepared)
        if report.unreadable:
            raise SystemExit(f"Unreadable: {report.unreadable}")
    prepare_images(other_organs(recipe.data), recipe.data, prepared)
    splits = kept_splits(table, recipe.work, recipe.out, recipe.seed)
    labels = label_numbers(table)
    real = (labels == 1) & (table["source"] != "phantom").to_numpy()
    weights = np.where(real, recipe.real_weight, 1.0)
    return table, splits, LabelledImages(load_prepared(table, prepared), labels, weights)


def autoencoder(recipe: Recipe, study: LabelledImages, splits: Splits) -> dict[str, Tensor]:
    """Pretrain the masked autoencoder on everything but the test subjects."""
    path = recipe.work / "autoencoder.safetensors"
    if not path.is_file():
        torch.manual_seed(recipe.seed)
        pool = np.setdiff1d(np.arange(len(study.labels)), splits.test)
        settings = PretrainSettings(
            epochs=recipe.pretrain_epochs, learning_rate=5e-4, mask_ratio=0.75, weight_decay=0.05,
            seed=recipe.seed,
        )  # fmt: skip
        model = MaskedAutoencoder(MAE_SHAPES[recipe.architecture])
        pretrain(
            model, study.images[pool], settings, make_fabric(),
            on_epoch=lambda one: log.info("autoencoder %d: loss %.4f", one.epoch, one.loss),
        )  # fmt: skip
        keep_state(model.state_dict(), path)
    return load_file(path)


def ventricle_patches(recipe: Recipe, encoder: dict[str, Tensor]) -> dict[str, Tensor]:
    """Learn ventricles from phantoms that are in no fold and no test."""
    path = recipe.work / "ventricle-patches.safetensors"
    if not path.is_file():
        torch.manual_seed(recipe.seed)
        images, labels = _warm_up(recipe)
        model = create_classifier(recipe.architecture, encoder)
        settings = FinetuneSettings(
            epochs=recipe.ventricle_epochs, batch_size=64, learning_rate=7e-4, seed=recipe.seed,
            augmentation=Augmentation(field_of_view=(0.6, 1.6)),
        )  # fmt: skip
        learn_ventricle_patches(
            model, images, labels, settings, make_fabric(),
            on_epoch=lambda e, loss, right: log.info("ventricles %d: loss %.4f, right %.3f", e, loss, right),
        )  # fmt: skip
        keep_state(model.state_dict(), path)
    return load_file(path)


def _warm_up(recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    path = recipe.work / "warm-up.npz"
    if not path.is_file():
        draw = partial(warm_up_phantom, seed=recipe.seed)
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
            drawn = list(pool.map(draw, range(recipe.warm_up_phantoms), chunksize=32))
        images = np.stack([both.transpose(2, 0, 1) for both, _, _ in drawn])
        with path.with_suffix(".part").open("wb") as stream:
            np.savez_compressed(stream, images=images, labels=[label for _, label, _ in drawn])
        path.with_suffix(".part").rename(path)
    content = np.load(path)
    return content["images"], content["labels"]


def folds(
    recipe: Recipe, study: LabelledImages, splits: Splits, start: dict[str, Tensor]
) -> list[dict[str, Tensor]]:
    """Fine-tune every fold from the same start."""
    states = []
    for number, fold in enumerate(splits.folds):
        path = recipe.work / f"fold-{number + 1}.safetensors"
        if not path.is_file():
            model = create_classifier(recipe.architecture, start)
            settings = FinetuneSettings(
                epochs=recipe.finetune_epochs, batch_size=64, learning_rate=2e-4, seed=recipe.seed
            )
            result = finetune_fold(
                model, study, fold, settings, make_fabric(), number=number,
                on_epoch=lambda r, n=number: log.info(
                    "fold %d epoch %d: train loss %.4f, validation accuracy %.4f, auc %.4f",
                    n + 1, r.epoch, r.train_loss, r.validation["accuracy"], r.validation["auc"],
                ),
            )  # fmt: skip
            keep_state(result.state, path)
        states.append(load_file(path))
    return states


def paired(
    recipe: Recipe, table: pd.DataFrame, study: LabelledImages, splits: Splits,
    states: list[dict[str, Tensor]],
) -> list[dict[str, Tensor]]:  # fmt: skip
    """Go on with every fold, with pairs of its real normal heads added."""
    if not recipe.pair_epochs:
        return states
    pairs = real_pairs(table, recipe.work)
    after = []
    for number, (fold, state) in enumerate(zip(splits.folds, states, strict=True)):
        path = recipe.work / f"paired-{number + 1}.safetensors"
        if not path.is_file():
            more, longer = pairs.added(study, fold)
            settings = FinetuneSettings(
                epochs=recipe.pair_epochs, batch_size=64, learning_rate=1e-4, seed=recipe.seed + 1
            )
            result = finetune_fold(
                create_classifier(recipe.architecture, state), more, longer, settings, make_fabric(),
                number=number,
                on_epoch=lambda r, n=number: log.info(
                    "pairs, fold %d epoch %d: train loss %.4f, validation accuracy %.4f, auc %.4f",
                    n + 1, r.epoch, r.train_loss, r.validation["accuracy"], r.validation["auc"],
                ),
            )  # fmt: skip
            keep_state(result.state, path)
        after.append(load_file(path))
    return after


def main(recipe: Recipe) -> None:
    """Run every step and write the bundle."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    recipe.work.mkdir(parents=True, exist_ok=True)
    table, splits, study = prepare(recipe)
    write_atomically(recipe.work / "manifest.csv", table.to_csv(index=False))
    start = ventricle_patches(recipe, autoencoder(recipe, study, splits))
    states = paired(recipe, table, study, splits, folds(recipe, study, splits, start))
    write_bundle(recipe, table, splits, study, states)


if __name__ == "__main__":
    main(tyro.cli(Recipe))
