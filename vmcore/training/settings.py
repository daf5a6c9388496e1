"""How networks are trained; nothing here is slow to import, since plans are read everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from vmcore.data.augmentation import Augmentation

Compiling = Literal["no", "yes"]
"""Whether a network is compiled."""


class FinetuneSettings(BaseModel):
    """The paper's fine-tuning by default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: int = Field(100, ge=1, le=10_000)
    batch_size: int = Field(128, ge=1, le=4096)
    learning_rate: float = Field(3e-4, gt=0.0, le=1.0)
    weight_decay: float = Field(1e-4, ge=0.0, le=1.0)
    warm_up: float = Field(0.1, ge=0.0, lt=1.0)
    augmentation: Augmentation = Augmentation()
    seed: int = Field(0, ge=0, le=2**31)


class PretrainSettings(BaseModel):
    """How a masked autoencoder is pretrained; the defaults are those of the public USF-MAE code."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: int = Field(100, ge=1, le=10_000)
    batch_size: int = Field(64, ge=1, le=16_384)
    learning_rate: float = Field(1.5e-4, gt=0.0, le=1.0)
    """At its peak; He et al. give a base rate, which is multiplied by batch / 256."""
    floor: float = Field(1e-5, ge=0.0)
    weight_decay: float = Field(0.01, ge=0.0, le=1.0)
    warm_up: float = Field(0.1, ge=0.0, lt=1.0)
    mask_ratio: float = Field(0.25, ge=0.0, lt=1.0)
    loss_on: Literal["masked", "all"] = "masked"
    """"masked": the error of hidden patches (the public code); "all": of every one (the paper)."""
    normalise_patches: bool = False
    """Whether each patch's own mean and deviation are taken out of what is to be drawn."""
    augmentation: Augmentation = Augmentation()
    seed: int = Field(42, ge=0, le=2**31)


def _public(base_rate: float, weight_decay: float) -> PretrainSettings:
    # the public code multiplies by 128 / 256 though its batches hold 64
    return PretrainSettings(learning_rate=base_rate * 128 / 256, weight_decay=weight_decay)


PRETRAIN_PRESETS: Mapping[str, PretrainSettings] = {
    "usf-mae": _public(3e-4, 0.01),
    "usf-mae, decay 0.05": _public(3e-4, 0.05),
    "usf-mae, rate 5e-4": _public(1e-3, 0.01),
    "usf-mae, rate 5e-4, decay 0.05": _public(1e-3, 0.05),
    "paper's equation": PretrainSettings(loss_on="all"),
    "mae": PretrainSettings(
        epochs=800, batch_size=4096, learning_rate=1.5e-4 * 4096 / 256, floor=0.0,
        weight_decay=0.05, warm_up=0.05, mask_ratio=0.75, normalise_patches=True,
    ),
}  # fmt: skip
"""Settings by name: the four that the public USF-MAE code goes through, the loss as the paper writes
it, and He et al.'s for ImageNet. Theirs crops and flips, has betas of 0.9 and 0.95, leaves norms and biases
without decay and clips nothing; in that ours stays the paper's."""
