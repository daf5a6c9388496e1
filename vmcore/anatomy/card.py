"""What an anatomy model says about itself, and its limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vmcore.models.digest import folder_digest

CARD_FILE = "anatomy.json"
GRAPH_FILE = "network.xml"
WEIGHTS_FILE = "network.bin"


class AnatomyError(ValueError):
    """An anatomy model that is missing, damaged or of another kind; the message says which."""


class Limits(BaseModel):
    """From where on something counts as found; chosen out of fold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    atrium: float = Field(0.3, ge=0.0, le=1.0)
    """Least probability of the likeliest place."""
    uncertainty: float = Field(0.03, gt=0.0)
    """Largest standard deviation of ``head_share`` that is still a measurement."""
    visible: float = Field(0.3, ge=0.0, le=1.0)
    """Least probability that a ventricle is visible in the plane."""
    spread: float = Field(1.0, ge=0.0)
    """Standard deviation of ``head_share`` for one unit of the error that the network expects."""
    floor: float = Field(0.0, ge=0.0)
    """Standard deviation of ``head_share`` that no measurement is below."""


class AnatomyCard(BaseModel):
    """What an anatomy model says about itself (``anatomy.json``)."""

    model_config = ConfigDict(extra="forbid")

    schema_version: Literal[1] = 1
    name: str = "unnamed anatomy model"
    created: str = ""
    limits: Limits = Limits()
    training_data: dict[str, Any] = {}
    metrics: dict[str, Any] = {}
    """Measured out of fold; see ``train.anatomy``."""
    cautions: list[str] = []
    licence: str = "not stated"


def anatomy_digest(folder: str | Path) -> str:
    """A digest that names one version of an anatomy model: SHA-256 over its files.

    Raises:
        AnatomyError: there is no such folder, or one of its files cannot be read.
    """
    try:
        return folder_digest(Path(folder))
    except OSError as error:
        raise AnatomyError("There is no anatomy model, or its files cannot be read.") from error


def load_anatomy_card(folder: str | Path) -> AnatomyCard:
    """Read and check ``anatomy.json``.

    Raises:
        AnatomyError: missing, damaged or of another schema.
    """
    try:
        return AnatomyCard.model_validate_json((Path(folder) / CARD_FILE).read_bytes())
    except OSError as error:
        raise AnatomyError(f"There is no anatomy model: {CARD_FILE} is missing.") from error
    except ValidationError as error:
        detail = error.errors()[0]
        where = ".".join(str(part) for part in detail["loc"]) or "the file"
        raise AnatomyError(f"{CARD_FILE} is not valid: {where}: {detail['msg']}.") from error
