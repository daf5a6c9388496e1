"""A model bundle: a folder with a card, one safetensors file a fold, and its predictions."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors.torch import save_file
from torch import Tensor, nn

from vmcore.models.bundle_card import (
    CARD_FILE,
    PREDICTIONS_FILE,
    BundleCard,
    first_problem,
    load_card,
)
from vmcore.models.bundle_weights import fold_file, load_weights
from vmcore.models.checkpoints import fit_state
from vmcore.models.classifier import create_classifier
from vmcore.models.errors import BundleError, WeightsError
from vmcore.models.learnt import Learnt, write_learnt
from vmcore.models.ood import OodDetector


def save_bundle(
    folder: str | Path,
    models: Sequence[nn.Module],
    *,
    architecture: str,
    ood_detector: OodDetector | None = None,
    predictions: str | None = None,
    learnt: Learnt | None = None,
    half: bool = True,
    **card: Any,
) -> Path:
    """Write a bundle; a bundle that stands there already is replaced as a whole.

    Args:
        folder: where it goes.
        models: one classifier a fold.
        architecture: a key of :data:`vmcore.models.ARCHITECTURES`.
        ood_detector: what tells images that are unlike the training images.
        predictions: predictions.csv as text.
        learnt: the images that the folds have learnt from, so that no run which starts from them is
            judged on these without saying so.
        half: store weights as bfloat16, half the size.
        card: further fields of :class:`BundleCard`.

    Raises:
        BundleError: no model, or a card that is not valid.
    """
    folder = Path(folder)
    if not models:
        raise BundleError("A bundle needs the model of at least one fold.")
    try:
        written = BundleCard(architecture=architecture, folds=len(models), **card)
    except ValidationError as error:
        raise BundleError(f"The bundle's card is not valid: {first_problem(error)}.") from error
    folder.parent.mkdir(parents=True, exist_ok=True)
    staged = folder.with_name(f".{folder.name}-{secrets.token_hex(6)}")
    staged.mkdir()
    try:
        for index, model in enumerate(models):
            save_file(_stored(model.state_dict(), half), staged / fold_file(index))
        if ood_detector is not None:
            ood_detector.save(staged)
        if predictions is not None:
            (staged / PREDICTIONS_FILE).write_text(predictions)
        if learnt is not None:
            write_learnt(staged, learnt)
        (staged / CARD_FILE).write_text(written.model_dump_json(indent=2) + "\n")
        _replace(staged, folder)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return folder


def _replace(staged: Path, folder: Path) -> None:
    if folder.exists():
        old = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-old-"))
        folder.rename(old / "bundle")
        staged.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    else:
        staged.rename(folder)


def _stored(state: dict[str, Tensor], half: bool) -> dict[str, Tensor]:
    return {
        key: (value.to(torch.bfloat16) if half and value.is_floating_point() else value)
        .detach()
        .cpu()
        .contiguous()
        for key, value in state.items()
    }


def load_models(folder: str | Path) -> tuple[BundleCard, list[nn.Module]]:
    """Read a bundle's card and its classifiers (float32, evaluation mode).

    Raises:
        BundleError: a fold's file is missing, damaged or does not fit.
    """
    card = load_card(folder)
    models = []
    for index, weights in enumerate(load_weights(folder, card)):
        try:
            with torch.device("meta"):  # no time is spent on random weights
                model = create_classifier(card.architecture, pooling=card.pooling)
            state = {name: torch.from_numpy(values) for name, values in weights.items()}
            fit_state(model, state, assign=True)
        except WeightsError as error:
            raise BundleError(f"The bundle's {fold_file(index)} does not fit. {error}") from error
        except ValueError as error:
            raise BundleError(str(error)) from error
        models.append(model.eval())
    return card, models
