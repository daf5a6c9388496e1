"""The plan of a pretraining: a masked autoencoder that learns from images without labels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from vmcore.data import Splits, StoredStudy, make_splits
from vmcore.models import MAE_SHAPES, Precision
from vmcore.training import PRETRAIN_PRESETS, Compiling, PretrainSettings

PRETRAINING = "pretrain"


def _known(name: str) -> str:
    if name not in MAE_SHAPES:
        known = ", ".join(MAE_SHAPES)
        raise ValueError(f"no masked autoencoder is called {name!r}; there are {known}")
    return name


class HeldOut(BaseModel):
    """What a cross-validation of a study holds out for its test, by that run's own settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    study: Path
    test_fraction: float = Field(0.15, gt=0.0, lt=0.5)
    folds: int = Field(5, ge=2, le=20)
    split_by: Literal["subject", "image"] = "subject"
    split_seed: int = Field(0, ge=0, le=2**31)

    def splits(self, study: StoredStudy) -> Splits:
        """The splits that a cross-validation with these settings makes.

        Raises:
            ManifestError: the study is too small for them.
        """
        return make_splits(
            study.table, test_fraction=self.test_fraction, folds=self.folds,
            seed=self.split_seed, by=self.split_by, same=study.same_pictures,
        )  # fmt: skip


class PretrainPlan(BaseModel):
    """What is learnt from which images, from where, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    worker: ClassVar[str] = "vmcore.runs.pretraining_worker"

    kind: Literal["pretrain"] = "pretrain"
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
    studies: tuple[Path, ...] = ()
    """Folders of prepared studies."""
    corpora: tuple[Path, ...] = ()
    """Folders of prepared corpora."""
    architecture: Annotated[str, AfterValidator(_known)] = "usf-mae"
    weights: str = "random"
    """"random", a public USF-MAE file ("usf-mae-100", "usf-mae-500"), "run:ID" of a former
    pretraining, or the path of a masked autoencoder's file."""
    settings: PretrainSettings = PRETRAIN_PRESETS["usf-mae"]
    leave_out_test_of: tuple[HeldOut, ...] | None = None
    """Whose test images are not seen, in whichever source they stand. None: those of each study among
    the sources, as a cross-validation with the usual split holds out; () leaves nothing out."""
    precision: Precision | Literal["auto"] = "auto"
    processes: int = Field(1, ge=1, le=64)
    compiling: Compiling = "no"
    """"yes" has torch compile the network, which takes a minute and pays on large GPUs."""

    @model_validator(mode="after")
    def _has_sources(self) -> PretrainPlan:
        if not self.studies and not self.corpora:
            raise ValueError("choose at least one study or corpus to learn from")
        return self

    @property
    def held_out(self) -> tuple[HeldOut, ...]:
        """Whose test images are left out, the default resolved."""
        if self.leave_out_test_of is not None:
            return self.leave_out_test_of
        return tuple(HeldOut(study=study) for study in self.studies)

    @property
    def epochs(self) -> int:
        """See :class:`vmcore.runs.run_plan.RunPlan`."""
        return self.settings.epochs

    @property
    def parts(self) -> tuple[str, ...]:
        """See :class:`vmcore.runs.run_plan.RunPlan`: the run's folder itself."""
        return (".",)

    @property
    def studies_read(self) -> tuple[Path, ...]:
        """See :class:`vmcore.runs.run_plan.RunPlan`."""
        return self.studies + tuple(held.study for held in self.held_out)

    def recorded(self) -> dict[str, object]:
        """See :class:`vmcore.runs.run_plan.RunPlan`."""
        names = [place.name for place in (*self.studies, *self.corpora)]
        told = {"architecture": self.architecture, "weights": self.weights}
        told["study"] = ", ".join(names)
        return told | self.settings.model_dump(exclude={"augmentation"})
