"""What every kind of run says of itself, and the plan as a run's folder keeps it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Literal, Protocol, TypeVar

from vmcore.data.containment import told_place
from vmcore.models import Precision
from vmcore.runs.moved_store import planned_place
from vmcore.runs.plan import CROSS_VALIDATION, Plan
from vmcore.runs.pretraining_plan import PRETRAINING, PretrainPlan

AnyPlan = TypeVar("AnyPlan", bound=Plan | PretrainPlan)


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
    def weights(self) -> str:
        """What it starts from; ``run:ID`` is another run."""

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


def plan_text(plan: Plan | PretrainPlan) -> str:
    """A plan as it is written to ``plan.json``; what lies in the store is named from there on."""
    return (
        _with_places(plan, lambda place: Path(told_place(place))).model_dump_json(indent=2) + "\n"
    )


def read_plan(text: str) -> Plan | PretrainPlan:
    """The plan of a run's ``plan.json``; one that names no kind is a cross-validation's.

    Raises:
        ValueError: it is damaged, or of a kind that this version does not know.
    """
    content = json.loads(text)
    kind = content.get("kind", CROSS_VALIDATION) if isinstance(content, dict) else None
    if kind == PRETRAINING:
        return _with_places(PretrainPlan.model_validate_json(text), planned_place)
    if kind != CROSS_VALIDATION:
        raise ValueError("a run of another kind")
    return _with_places(Plan.model_validate_json(text), planned_place)


def _with_places(plan: AnyPlan, changed: Callable[[Path], Path]) -> AnyPlan:
    """The same plan with other folders of its studies and corpora."""
    if isinstance(plan, Plan):
        return plan.model_copy(update={"study": changed(plan.study)})
    left_out = plan.leave_out_test_of
    if left_out is not None:
        left_out = tuple(one.model_copy(update={"study": changed(one.study)}) for one in left_out)
    sources = {name: tuple(map(changed, getattr(plan, name))) for name in ("studies", "corpora")}
    return plan.model_copy(update={**sources, "leave_out_test_of": left_out})
