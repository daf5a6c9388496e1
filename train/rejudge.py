"""Judge the bundled model's own folds anew: ``python -m train.rejudge --data FOLDER``.

Nothing is trained. Predictions, figures, threshold and domain check are made again by today's code
from the weights that the bundle holds, on the split that they were trained by. Then
``python -m train.card`` writes the card as a document.
"""

from __future__ import annotations

import logging
import shutil

import tyro
from safetensors.torch import load_file

from train.bundled import Recipe, prepare
from train.bundled_card import write_bundle


def main(recipe: Recipe) -> None:
    """Make the bundle again around its own weights.

    Args:
        recipe: that of the bundle; its folds are copied to the work folder, so that the split is the
            one that they belong to.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    recipe.work.mkdir(parents=True, exist_ok=True)
    folds = sorted(recipe.out.glob("fold-*.safetensors"))
    if not folds:
        raise SystemExit("There is no bundle whose folds could be judged.")
    for file in folds:
        shutil.copy(file, recipe.work / file.name)
    table, splits, study = prepare(recipe)
    states = [{key: value.float() for key, value in load_file(file).items()} for file in folds]
    write_bundle(recipe, table, splits, study, states)


if __name__ == "__main__":
    main(tyro.cli(Recipe))
