"""What every kind of run says of itself, and the plan as a run's folder keeps it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal, Protocol

from vmcore.models import Precision
from vmcore.runs.moved_store import here
from vmcore.runs.plan import CROSS_VALIDATION, Plan
from vmcore.runs.pretraining_plan import PRETRAINING, PretrainPlan


class RunPlan(Protocol):
    """The plan of a run of whatever kind.

    A run trains one or more parts, each with a folder of its own in the run's, which holds
    ``history.json`` (a list of finished epochs with the ``seconds`` of each) and, while it is trained,
    ``checkpoint.safetensors``.
    """

    @property
    def kind(self) -> str:
        """What it is called in the run store and in its file."""

    @property
    def worker(self) -> str:
        """The module that does its work, as ``python -m MODULE RUN``."""

    @property
    def name(self) -> str:
        """Given by a person."""

    @property
    def architecture(self) -> str:
        """The network that is trained."""

    @property
    def precision(self) -> Precision | Literal["auto"]:
        """What is computed in; "auto" is settled by the first device."""

    @property
    def processes(self) -> int:
        """How many train together."""

    @property
    def epochs(self) -> int:
        """Epochs of each part."""

    @property
    def parts(self) -> tuple[str, ...]:
        """Folders of what is trained, within the run's folder."""

    @property
    def studies_read(self) -> tuple[Path, ...]:
        """Prepared studies that it reads, which must not be deleted under it."""

    def recorded(self) -> dict[str, object]:
        """What the run store keeps of it, by name."""

    def model_dump_json(self, *, indent: int | None = None) -> str:
        """As it is written to ``plan.json``."""


def read_plan(text: str, store: Path) -> Plan | PretrainPlan:
    """The plan of a run's ``plan.json``; one that names no kind is a cross-validation's.

    Args:
        text: of the file.
        store: where the run lies, whose studies and corpora are taken where those that the plan names are not
            there any more.

    Raises:
        ValueError: it is damaged, or of a kind that this version does not know.
    """
    content = json.loads(text)
    kind = content.get("kind", CROSS_VALIDATION) if isinstance(content, dict) else None
    if kind == PRETRAINING:
        return _pretraining_here(PretrainPlan.model_validate_json(text), store)
    if kind != CROSS_VALIDATION:
        raise ValueError("a run of another kind")
    plan = Plan.model_validate_json(text)
    return plan.model_copy(update={"study": here(plan.study, store / "studies")})


def _pretraining_here(plan: PretrainPlan, store: Path) -> PretrainPlan:
    studies, left_out = store / "studies", plan.leave_out_test_of
    places = {
        "studies": tuple(here(one, studies) for one in plan.studies),
        "corpora": tuple(here(one, store / "corpora") for one in plan.corpora),
        "leave_out_test_of": None
        if left_out is None
        else tuple(one.model_copy(update={"study": here(one.study, studies)}) for one in left_out),
    }
    return plan.model_copy(update=places)
