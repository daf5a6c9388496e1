"""What a model bundle says about itself, read without any of its weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from vmcore.imaging.cleaning import CleaningSettings
from vmcore.models.architectures import CLASSES
from vmcore.models.calibration import Calibration
from vmcore.models.errors import BundleError

CARD_FILE = "bundle.json"
PREDICTIONS_FILE = "predictions.csv"


class StartingWeights(BaseModel):
    """What the folds' training started from.

    Attributes:
        weights: "random", a tag of timm's, "bundled", a public file's name, "run:ID", or a file's name.
        sha256: of the file that they were read from, or of each file where folds started from several;
            empty where they were read from none of this machine's, or by an older version.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    weights: str
    sha256: list[str] = []

    def sentence(self) -> str:
        """In words."""
        if not self.sha256:
            return f"Started from {self.weights} weights."
        files = "its file" if len(self.sha256) == 1 else "its files"
        return (
            f"Started from {self.weights} weights (SHA-256 of {files}: {', '.join(self.sha256)})."
        )


class BundleCard(BaseModel):
    """What a bundle says about itself (``bundle.json``)."""

    model_config = ConfigDict(extra="forbid")

    schema_version: Literal[1] = 1
    name: str = "unnamed model"
    created: str = ""
    architecture: str
    pooling: Literal["token", "avg"] = "token"
    """What a vision transformer's head reads: the class token, or the mean of the patches."""
    folds: int = Field(ge=1)
    classes: tuple[Literal["normal"], Literal["ventriculomegaly"]] = CLASSES
    preprocessing: CleaningSettings = CleaningSettings()
    threshold: float = Field(0.5, ge=0.0, le=1.0)
    threshold_rule: str = "0.5 by convention"
    calibration: Calibration | None = None
    """What each fold's probability goes through; the threshold is on the calibrated scale."""
    phantom_series: int | None = None
    """Seed of the numbered phantoms among its images, so that they can be drawn again."""
    starting_weights: StartingWeights | None = None
    training_data: dict[str, Any] = {}
    metrics: dict[str, Any] = {}
    limits: list[str] = []
    licence: str = "not stated"

    @field_validator("preprocessing", mode="before")
    @classmethod
    def _as_it_learnt(cls, value: Any) -> Any:
        """A card from before grey drawing was looked for: its model learnt from pictures with it."""
        return {"remove_grey_drawing": False} | value if isinstance(value, dict) else value


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
        raise BundleError(f"{path} is not a valid model card: {first_problem(error)}.") from error


def first_problem(error: ValidationError) -> str:
    """A validation's first finding, in words."""
    detail = error.errors()[0]
    where = ".".join(str(part) for part in detail["loc"]) or "the file"
    return f"{where}: {detail['msg']}"
