"""Before a model answers: does it get old cases wrong that the model in use gets right?

Learning little by little, on further images and then on labels, can make a model worse on what it once
knew, and figures over all cases hide it. So both models are asked about the same old cases, one by one.
It is a check against getting worse and no measure of how good a model is: the cases may have been learnt
from by either.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vmcore import __version__
from vmcore.files import write_atomically
from vmcore.inference import Classifier
from vmcore.models import BundleError, Learnt, WeightsError, bundle_digest, load_card, read_learnt
from vmcore.runs.errors import RunError
from vmcore.runs.model_in_use import BUNDLED, bundle_in_use
from vmcore.runs.record import open_store
from vmcore.runs.regression_set import (
    BOUND,
    NOT_COMPARED,
    RegressionSet,
    answers_file,
    read_regression_set,
)
from vmcore.settings import settings

_BATCH = 16

Probabilities = npt.NDArray[np.float64]


class NotComparableError(RunError):
    """The model in use, or the old cases, cannot be read, so that nothing can be compared."""


@dataclass(frozen=True, slots=True)
class WorseCase:
    """An old case that gets worse.

    Attributes:
        number: in the set, from 1.
        label: what it is, 0 normal, 1 ventriculomegaly.
        before, after: probability of ventriculomegaly by the model in use and by the new one.
        fell: whether the probability for what it is fell by more than the bound.
        flipped: whether the model in use calls it rightly and the new one wrongly, each at its own
            threshold.
    """

    number: int
    label: int
    before: float
    after: float
    fell: bool
    flipped: bool


@dataclass(frozen=True, slots=True)
class LearntFrom:
    """How many of the old cases a model is known to have learnt from, and whether that is all."""

    count: int
    complete: bool

    def words(self, cases: int) -> str:
        """As part of a sentence."""
        if self.complete:
            return f"{self.count} of {cases}"
        return f"at least {self.count} of {cases} (its list is not whole)"


@dataclass(frozen=True, slots=True)
class PromotionCheck:
    """Two models on the same old cases.

    Attributes:
        before_name, after_name: of the model in use and of the new one.
        bound: by how much the probability for the true class may fall.
        cases: how many there are.
        worse: those that get worse, the furthest fallen first.
        before_learnt, after_learnt: how many of them either model has learnt from.
    """

    before_name: str
    after_name: str
    bound: float
    cases: int
    worse: tuple[WorseCase, ...]
    before_learnt: LearntFrom
    after_learnt: LearntFrom

    def sentence(self) -> str:
        """What was found, in one sentence."""
        flipped = sum(case.flipped for case in self.worse)
        if not self.worse:
            return (
                f"None of {self.cases} old cases gets worse than with “{self.before_name}” "
                f"(bound {self.bound:g})."
            )
        get = "gets" if len(self.worse) == 1 else "get"
        return (
            f"{len(self.worse)} of {self.cases} old cases {get} worse than with “{self.before_name}” "
            f"(bound {self.bound:g}); {flipped} of them would be called wrongly now."
        )

    def caution(self) -> str:
        """What the check cannot prove."""
        return (
            f"Of these cases the model in use has learnt from {self.before_learnt.words(self.cases)}, "
            f"the new one from {self.after_learnt.words(self.cases)}. A model answers better on what it "
            "has learnt from: this tells what gets worse, not how good either model is."
        )


class WorseCasesError(RunError):
    """A model gets old cases worse, and nobody has said why it may answer nevertheless."""

    def __init__(self, check: PromotionCheck) -> None:
        """Say what was found.

        Args:
            check: with the cases.
        """
        super().__init__(
            f"{check.sentence()} Look at them, then say why the model may answer nevertheless; the "
            "reason is kept with the change."
        )
        self.check = check


def check_promotion(run_id: str, *, bound: float = BOUND) -> PromotionCheck | None:
    """Hold a model against the one in use on the old cases; None where no cases are kept.

    Args:
        run_id: a finished run, or "bundled".
        bound: by how much the probability for the true class may fall, 0..1.

    Raises:
        NotComparableError: the model in use or the old cases cannot be read.
        RunError, BundleError: the new model cannot be read, or the bound is none.
    """
    if not 0.0 <= bound <= 1.0:
        raise RunError("The bound is a difference of probabilities, between 0 and 1.")
    try:
        kept = read_regression_set()
        if kept is None:
            return None
        images = [kept.image(number) for number in range(1, len(kept.cases) + 1)]
        in_use = bundle_in_use().bundle
        before, old = _answers(in_use, kept, images), load_card(in_use)
        before_learnt = _learnt(in_use, kept)
    except (RunError, BundleError) as error:
        raise NotComparableError(f"Nothing can be compared. {error}") from error
    new = settings().bundle if run_id == BUNDLED else _bundle(run_id)
    after, card = _answers(new, kept, images), load_card(new)
    labels = np.array([case.label for case in kept.cases])
    worse = find_worse(labels, (before, old.threshold), (after, card.threshold), bound)
    return PromotionCheck(
        old.name, card.name, bound, len(labels), worse, before_learnt, _learnt(new, kept)
    )


def find_worse(
    labels: npt.NDArray[np.int64],
    before: tuple[Probabilities, float],
    after: tuple[Probabilities, float],
    bound: float,
) -> tuple[WorseCase, ...]:
    """The cases that get worse, the furthest fallen first.

    Args:
        labels: (N,), 0 or 1.
        before: probabilities of ventriculomegaly (N,) and the threshold of the model in use.
        after: the same of the new model.
        bound: by how much the probability for the true class may fall.
    """
    sick = labels == 1
    fall = np.where(sick, before[0] - after[0], after[0] - before[0])
    right_before, right_after = (
        (probability >= threshold) == sick for probability, threshold in (before, after)
    )
    fell, flipped = fall > bound, right_before & ~right_after
    rows = np.flatnonzero(fell | flipped)
    return tuple(
        WorseCase(
            int(row) + 1, int(labels[row]), float(before[0][row]), float(after[0][row]),
            bool(fell[row]), bool(flipped[row]),
        )
        for row in rows[np.argsort(-fall[rows], kind="stable")]
    )  # fmt: skip


def require_no_worse(run_id: str, bound: float, accepted: str) -> str:
    """See to it that a model gets no old case worse, or that somebody has said why it may.

    Args:
        run_id: a finished run, or "bundled".
        bound: by how much the probability for the true class may fall.
        accepted: the reason why it may answer nevertheless; empty for none.

    Returns:
        what was found, in a sentence for the registry.

    Raises:
        WorseCasesError: it does, and no reason is given.
        NotComparableError: nothing could be compared, and no reason is given.
        RunError, BundleError: the new model cannot be read.
    """
    try:
        check = check_promotion(run_id, bound=bound)
    except NotComparableError as error:
        if not accepted.strip():
            raise NotComparableError(
                f"{error} Put that right, or say why the model may answer without the comparison."
            ) from error
        return str(error)
    if check is None:
        return NOT_COMPARED
    if check.worse and not accepted.strip():
        raise WorseCasesError(check)
    return check.sentence()


def _bundle(run_id: str) -> Path:
    return open_store(settings().store).artifact(run_id, "bundle")


def _learnt(bundle: Path, kept: RegressionSet) -> LearntFrom:
    try:
        learnt = read_learnt(bundle) or Learnt(complete=False)
    except WeightsError:  # damaged
        learnt = Learnt(complete=False)
    known = sum(not case.digests.isdisjoint(learnt.digests) for case in kept.cases)
    return LearntFrom(known, learnt.complete)


def _answers(
    bundle: Path, kept: RegressionSet, images: list[npt.NDArray[np.uint8]]
) -> Probabilities:
    """A model's probabilities (N,) on the old cases; asked once for each version of it."""
    name = f"{bundle_digest(bundle)[:32]}-{kept.digest[:32]}-{__version__}"
    file = answers_file(name)
    if file.is_file():
        known = json.loads(file.read_text())
        if len(known) == len(images):
            return np.array(known, np.float64)
    classifier = Classifier.load(bundle, device=settings().device)
    found = [
        answer.probability
        for start in range(0, len(images), _BATCH)
        for answer in classifier.predict(images[start : start + _BATCH], heatmap=None)
    ]
    write_atomically(file, json.dumps(found))
    return np.array(found, np.float64)
