"""The weights that a fold starts from, and why they may not be held against what it is judged on."""

from __future__ import annotations

from dataclasses import dataclass

from vmcore.models import Learnt
from vmcore.runs.errors import RunError


class SeenError(RunError):
    """Weights that have learnt from images that a run would be judged on, or that may have."""


@dataclass(frozen=True, slots=True)
class Start:
    """The weights that a fold starts from.

    Attributes:
        former_fold: which fold of a former run, counted from 1; 1 for other weights.
        learnt: the images that the weights have learnt from.
        seen: how many of the images that the fold validates and tests on are among these; None
            where a former run's list is lost and cannot be told from its study any more.
        judged: how many the fold validates and tests on.
        tested: how many of the seen ones belong to the test.
        unlabelled: whether the weights are a pretraining's, which saw no labels.
    """

    former_fold: int
    learnt: Learnt
    seen: int | None
    judged: int
    tested: int = 0
    unlabelled: bool = False

    @property
    def must_be_accepted(self) -> bool:
        """Whether a fold's figures would be too good, or may be, unless somebody accepts it."""
        if self.seen is None:
            return True
        return self.tested > 0 if self.unlabelled else self.seen > 0


def refusal(weights: str, number: int, start: Start) -> str:
    """Why a fold must not start from such weights, and what to do.

    Args:
        weights: as a plan names them.
        number: of the fold, from 1.
        start: what it would start from.
    """
    run = weights.startswith("run:")
    whose = "The bundled model" if weights == "bundled" else "The weights file"
    whose = f"Run {weights.removeprefix('run:')}" if run else whose
    whose = whose.replace("Run", "Pretraining") if start.unlabelled else whose
    if start.seen is None:
        said = (
            f"{whose} keeps no list of the images that it has learnt from, and its study has changed "
            "or is gone: it may have seen what this run would validate or test on."
        )
    elif start.unlabelled:
        said = f"{whose} has seen {start.tested} of the images that this run would test on."
    else:
        said = (
            f"{whose} has learnt from {start.seen} of the {start.judged} images that fold {number} "
            "would validate or test on."
        )
    same = "give this run the same folds, held-out part and seed, or " if run else ""
    if start.unlabelled:
        same = "hold out here what it left out (folds, held-out part and seed), or "
    return (
        f"{said} Start from other weights, {same}accept it (--accept-seen on the command line): the "
        "results are then marked as too good."
    )
