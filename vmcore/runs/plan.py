"""The plan of a cross-validation: everything that is needed to repeat it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from vmcore.data import Splits, StoredStudy, make_splits
from vmcore.models import ARCHITECTURES, Precision
from vmcore.training import FinetuneSettings

CROSS_VALIDATION = "crossval"


def _known(name: str) -> str:
    if name not in ARCHITECTURES:
        raise ValueError(
            f"no architecture is called {name!r}; there are {', '.join(ARCHITECTURES)}"
        )
    return name


class Plan(BaseModel):
    """What is trained on what, from where, and how.

    The defaults are the paper's for USF-MAE, but for two: it starts from random weights, where the paper
    starts from pretrained ones (``weights="usf-mae-100"``), and it splits by subject, not by image.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: ClassVar[str] = CROSS_VALIDATION
    worker: ClassVar[str] = "vmcore.runs.worker"

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
    study: Path
    architecture: Annotated[str, AfterValidator(_known)] = "usf-mae"
    weights: str = "random"
    """"random", "imagenet", "bundled", a public USF-MAE file ("usf-mae-100", "usf-mae-500"),
    "run:ID" of a former run or a pretraining, or the path of a file."""
    pooling: Literal["token", "avg"] = "token"
    """What a vision transformer's head reads: the class token (the paper's way), or the mean of the
    patches through a norm of its own (as He et al. fine-tune masked autoencoders)."""
    settings: FinetuneSettings = FinetuneSettings()
    folds: int = Field(5, ge=2, le=20)
    test_fraction: float = Field(0.15, gt=0.0, lt=0.5)
    split_by: Literal["subject", "image"] = "subject"
    """"image" is the paper's way: one fetus may then stand on both sides."""
    split_seed: int = Field(0, ge=0, le=2**31)
    precision: Precision | Literal["auto"] = "auto"
    """"auto" takes what the device that the run gets computes fast, and keeps to it."""
    processes: int = Field(1, ge=1, le=64)
    pairs: bool = False
    """Whether each fold learns from pairs of its normal heads too: with another normal ventricle, and
    with a widened one."""
    accept_seen: bool = False
    """Go on with weights that have learnt from images which the run is judged on, or may have; its
    results are then marked."""

    @model_validator(mode="after")
    def _has_a_class_token(self) -> Self:
        kind = ARCHITECTURES[self.architecture]
        if self.pooling == "avg" and kind.width is None:
            raise ValueError(
                f"pooling is a setting of vision transformers, and {kind.title} is none"
            )
        return self

    @property
    def epochs(self) -> int:
        """See :class:`vmcore.runs.run_plan.RunPlan`."""
        return self.settings.epochs

    @property
    def parts(self) -> tuple[str, ...]:
        """See :class:`vmcore.runs.run_plan.RunPlan`: a folder for each fold."""
        return tuple(f"fold-{number}" for number in range(1, self.folds + 1))

    @property
    def studies_read(self) -> tuple[Path, ...]:
        """See :class:`vmcore.runs.run_plan.RunPlan`."""
        return (self.study,)

    def recorded(self) -> dict[str, object]:
        """See :class:`vmcore.runs.run_plan.RunPlan`."""
        told = {
            "architecture": self.architecture,
            "weights": self.weights,
            "pooling": self.pooling,
            "pairs": self.pairs,
            "study": self.study.name,
        }
        return {
            **told, "folds": self.folds, "split_by": self.split_by, "split_seed": self.split_seed,
            **self.settings.model_dump(exclude={"augmentation"}),
        }  # fmt: skip

    def splits(self, study: StoredStudy) -> Splits:
        """The splits that this plan makes of its study.

        Raises:
            ManifestError: the study is too small for them.
        """
        return make_splits(
            study.table,
            test_fraction=self.test_fraction,
            folds=self.folds,
            seed=self.split_seed,
            by=self.split_by,
            same=study.same_pictures,
        )


def _settings(batch_size: int, learning_rate: float, weight_decay: float) -> FinetuneSettings:
    return FinetuneSettings(
        batch_size=batch_size, learning_rate=learning_rate, weight_decay=weight_decay
    )


PAPER_SETTINGS: Mapping[str, FinetuneSettings] = {
    "usf-mae": _settings(128, 3e-4, 1e-4),
    "usf-mae-small": _settings(128, 3e-4, 1e-4),
    "usf-mae-tiny": _settings(128, 3e-4, 1e-4),
    "vgg19": _settings(64, 3e-4, 0.05),
    "resnet50": _settings(64, 1e-3, 0.05),
    "vit-b16": _settings(64, 3e-4, 0.01),
}
"""The settings that the paper's search found, by architecture (the small ones take USF-MAE's)."""
