"""A model bundle: a folder with a card, one safetensors file a fold, and its predictions."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from vmcore.imaging import CleaningSettings
from vmcore.models.calibration import Calibration
from vmcore.models.checkpoints import WeightsError, fit_state
from vmcore.models.classifier import CLASSES, create_classifier
from vmcore.models.familiarity import Familiarity
from vmcore.models.learnt import Learnt, write_learnt

CARD_FILE = "bundle.json"
FAMILIARITY_FILE = "familiarity.safetensors"
PREDICTIONS_FILE = "predictions.csv"


class BundleError(ValueError):
    """A folder that cannot be used as a model bundle; the message says why."""


class BundleCard(BaseModel):
    """What a bundle says about itself (``bundle.json``)."""

    model_config = ConfigDict(extra="forbid")

    schema_version: Literal[1] = 1
    name: str = "unnamed model"
    created: str = ""
    architecture: str
    pooling: Literal["token", "avg"] = "token"
    folds: int = Field(ge=1)
    classes: tuple[str, str] = CLASSES
    preprocessing: CleaningSettings = CleaningSettings()
    threshold: float = Field(0.5, ge=0.0, le=1.0)
    threshold_rule: str = "0.5 by convention"
    calibration: Calibration | None = None
    """What each fold's probability goes through; the threshold is on the calibrated scale."""
    phantom_series: int | None = None
    """Seed of the numbered phantoms among its images, so that they can be drawn again."""
    training_data: dict[str, Any] = {}
    metrics: dict[str, Any] = {}
    limits: list[str] = []
    licence: str = "not stated"


def save_bundle(
    folder: str | Path,
    models: Sequence[nn.Module],
    *,
    architecture: str,
    familiarity: Familiarity | None = None,
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
        familiarity: what tells known images from unknown ones.
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
        raise BundleError(f"The bundle's card is not valid: {_first(error)}.") from error
    folder.parent.mkdir(parents=True, exist_ok=True)
    staged = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        for index, model in enumerate(models):
            save_file(_stored(model.state_dict(), half), staged / fold_file(index))
        if familiarity is not None:
            familiarity.save(staged / FAMILIARITY_FILE)
        if predictions is not None:
            (staged / PREDICTIONS_FILE).write_text(predictions)
        if learnt is not None:
            write_learnt(staged, learnt)
        (staged / CARD_FILE).write_text(written.model_dump_json(indent=2) + "\n")
        staged.chmod(0o755)
        for path in staged.iterdir():
            path.chmod(0o644)
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


def fold_file(index: int) -> str:
    """Name of a fold's weights, folds counted from 1."""
    return f"fold-{index + 1}.safetensors"


def load_card(folder: str | Path) -> BundleCard:
    """Read and check ``bundle.json``.

    Raises:
        BundleError: missing, damaged or of another schema.
    """
    path = Path(folder) / CARD_FILE
    try:
        return BundleCard.model_validate_json(path.read_bytes())
    except OSError as error:
        raise BundleError(
            f"There is no model bundle in {folder}: {CARD_FILE} is missing."
        ) from error
    except ValidationError as error:
        raise BundleError(f"{path} is not a valid model card: {_first(error)}.") from error


def load_models(folder: str | Path) -> tuple[BundleCard, list[nn.Module]]:
    """Read a bundle's card and its classifiers (float32, evaluation mode).

    Raises:
        BundleError: a fold's file is missing, damaged or does not fit.
    """
    folder = Path(folder)
    card = load_card(folder)
    models = []
    for index in range(card.folds):
        path = folder / fold_file(index)
        try:
            state = {key: value.float() for key, value in load_file(path).items()}
            with torch.device("meta"):  # no time is spent on random weights
                model = create_classifier(card.architecture, pooling=card.pooling)
            fit_state(model, state, assign=True)
        except OSError as error:
            raise BundleError(f"The bundle lacks {path.name}.") from error
        except SafetensorError as error:
            raise BundleError(f"The bundle's {path.name} is damaged.") from error
        except WeightsError as error:
            raise BundleError(f"The bundle's {path.name} does not fit. {error}") from error
        except ValueError as error:
            raise BundleError(str(error)) from error
        models.append(model.eval())
    return card, models


def load_familiarity(folder: str | Path) -> Familiarity | None:
    """What tells known images from unknown ones, or None where the bundle has nothing.

    Raises:
        BundleError: the file is damaged.
    """
    path = Path(folder) / FAMILIARITY_FILE
    try:
        return Familiarity.load(path) if path.is_file() else None
    except (SafetensorError, TypeError) as error:
        raise BundleError(f"The bundle's {path.name} is damaged.") from error


def _first(error: ValidationError) -> str:
    detail = error.errors()[0]
    where = ".".join(str(part) for part in detail["loc"]) or "the file"
    return f"{where}: {detail['msg']}"
