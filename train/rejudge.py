"""Judge the bundled model's own folds anew: ``python -m train.rejudge --data FOLDER``.

Nothing is trained. Predictions, figures, threshold and domain check are made again by today's code
from the weights that the bundle holds, on the split that they were trained by. Then
``python -m train.card`` writes the card as a document.
"""

from __future__ import annotations

import logging

import tyro
from safetensors.torch import load_file

from train.bundled import Recipe, prepare
from train.bundled_card import write_bundle
from train.bundled_data import bundle_splits


def main(recipe: Recipe) -> None:
    """Make the bundle again around its own weights.

    Args:
        recipe: that of the bundle, whose predictions tell the split.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    folds = sorted(recipe.out.glob("fold-*.safetensors"))
    if not folds:
        raise SystemExit("There is no bundle whose folds could be judged.")
    table, _, study = prepare(recipe)
    splits = bundle_splits(table, recipe.out, recipe.seed)
    states = [{key: value.float() for key, value in load_file(file).items()} for file in folds]
    write_bundle(recipe, table, splits, study, states)


if __name__ == "__main__":
    main(tyro.cli(Recipe))
