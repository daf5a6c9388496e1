"""Does pretraining help the classifier? ``python -m train.encoders --data FOLDER``.

Encoders are pretrained on real images of fetuses of which the bundled model's study holds none, so that
every fold may start from them. Then the study's folds are fine-tuned from each, from random weights, and,
for comparison, a convolutional network from ImageNet's; on all of their subjects and on parts of them.
They are judged out of fold on real images. Every step keeps its result in the work folder and is skipped
when that is there; the steps may be taken by other machines.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import tyro

from train.bundled import Recipe as BundleRecipe
from train.bundled import prepare as prepare_study
from train.encoders_data import unlabelled_table
from train.encoders_document import encoders_document
from train.encoders_figures import figures_of
from train.encoders_made import made_of
from train.encoders_starts import Start
from train.encoders_steps import Steps, fold_path, judged_fold
from vmcore.data import Splits, load_prepared, prepare_images
from vmcore.files import write_atomically
from vmcore.imaging import CleaningSettings
from vmcore.training import LabelledImages

log = logging.getLogger("train.encoders")


@dataclass(frozen=True, kw_only=True)
class Recipe(Steps):
    """What is compared."""

    data: Path
    """Folder with the public sets, as for ``train.bundled``."""
    study: Path = Path("build/bundled")
    """The bundled model's work folder, whose prepared images are taken."""
    starts: tuple[str, ...] = (
        "usf-mae-tiny:random", "usf-mae-tiny:0.75", "usf-mae-tiny:0.25", "usf-mae-small:random",
        "usf-mae-small:0.75", "efficientnet-lite0:random", "efficientnet-lite0:imagenet",
    )  # fmt: skip
    """What folds begin with; the others are held against the first."""
    starts_of_parts: tuple[str, ...] = (
        "usf-mae-tiny:random", "usf-mae-tiny:0.75", "efficientnet-lite0:imagenet",
    )  # fmt: skip
    """The same where parts of the subjects are learnt from."""
    shares: tuple[float, ...] = (0.1, 0.25, 0.5)
    """These parts."""
    only_kept: bool = False
    """Train nothing: judge what is whole in the work folder."""
    note: str = ""
    """A sentence for the document on how the steps were taken."""
    figures: Path = Path("benchmarks/encoders.json")
    """Where the figures go."""
    document: Path = Path("docs/encoders.md")
    """Where they are told."""


def unlabelled(recipe: Recipe) -> npt.NDArray[np.uint8]:
    """Images (N, 224, 224) of fetuses of which the study holds none, without looking for text."""
    study = BundleRecipe(recipe.data, work=recipe.study).manifest()
    table = unlabelled_table(recipe.data, study).head(recipe.most)
    folder = recipe.work / "prepared"
    settings = CleaningSettings(remove_text=False)
    report = prepare_images(table, recipe.data, folder, settings=settings)
    table = table[~table["path"].isin(list(report.unreadable))]
    return np.ascontiguousarray(load_prepared(table, folder)[:, 1])


def arms(recipe: Recipe) -> list[tuple[Start, float]]:
    """What is compared: starts on all subjects, then on parts of them from the smallest on.

    Raises:
        ValueError: there is no such start.
    """
    parts = [(Start.of(words), share) for share in sorted(recipe.shares)
             for words in recipe.starts_of_parts]  # fmt: skip
    return [*((Start.of(words), 1.0) for words in recipe.starts), *parts]


def judged(
    recipe: Recipe, table: pd.DataFrame, study: LabelledImages, splits: Splits, start: Start, share: float
) -> pd.DataFrame | None:  # fmt: skip
    """Probabilities out of fold, by image; None where nothing is to be trained and folds are missing."""
    numbers = range(1, len(splits.folds) + 1)
    if recipe.only_kept and not all(
        fold_path(recipe, start, share, number).is_file() for number in numbers
    ):
        log.info("%s, share %g: not whole, left out.", start.title, share)
        return None
    images = partial(unlabelled, recipe)
    return pd.concat(
        [judged_fold(recipe, table, study, splits, start, share, one, images) for one in numbers]
    )


def main(recipe: Recipe) -> None:
    """Pretrain, fine-tune, and write figures and document."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    compared = arms(recipe)
    recipe.work.mkdir(parents=True, exist_ok=True)
    recipe.kept_alike()
    table, splits, study = prepare_study(BundleRecipe(recipe.data, work=recipe.study))
    answers: dict[float, dict[str, pd.DataFrame]] = {}
    whole = []
    for start, share in compared:
        found = judged(recipe, table, study, splits, start, share)
        if found is not None:
            answers.setdefault(share, {})[start.title] = found
            whole.append((start, share))
    if not answers:
        raise SystemExit(f"No start is whole in {recipe.work}.")
    figures = {
        "made": made_of(recipe, whole, recipe.note),
        "shares": {f"{share:g}": figures_of(table, said) for share, said in answers.items()},
    }
    if recipe.figures.is_file():  # what train.anatomy_starts added
        figures |= {
            k: v for k, v in json.loads(recipe.figures.read_text()).items() if k == "anatomy"
        }
    write_atomically(recipe.figures, json.dumps(figures, indent=2) + "\n")
    write_atomically(recipe.document, encoders_document(figures))
    log.info("Written: %s and %s.", recipe.figures, recipe.document)


if __name__ == "__main__":
    main(tyro.cli(Recipe))
