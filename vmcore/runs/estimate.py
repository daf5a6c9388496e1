"""How long a plan should take here, from a trial of a few training steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vmcore.data import Splits, StoredStudy, label_numbers, load_study
from vmcore.runs.plan import Plan
from vmcore.runs.pretraining_plan import PretrainPlan
from vmcore.runs.unlabelled import unlabelled_images

_PAIR_S = 1.0  # reading, cleaning and measuring a head


@dataclass(frozen=True, slots=True)
class Workload:
    """What a run goes through.

    Attributes:
        learnt: images that an epoch learns from, summed over the folds.
        validated: images that an epoch's validation judges, summed over the folds.
        paired: heads that pairs are made of, once, before the first epoch.
    """

    learnt: int
    validated: int
    paired: int


def workload(plan: Plan, study: StoredStudy, splits: Splits) -> Workload:
    """What a plan's run goes through, as if a pair could be made of every normal head."""
    learnt = sum(len(fold.train) for fold in splits.folds)
    validated = sum(len(fold.validation) for fold in splits.folds)
    if not plan.pairs:
        return Workload(learnt, validated, 0)
    normal = np.flatnonzero(label_numbers(study.table) == 0)
    learnt += sum(2 * len(np.intersect1d(normal, fold.train)) for fold in splits.folds)
    return Workload(learnt, validated, len(np.setdiff1d(normal, splits.test)))


def estimate(plan: Plan | PretrainPlan, steps: int) -> float:
    """Seconds that a plan should take here, from a trial of a few training steps.

    What is compiled is tried as it is: it should take less.

    Raises:
        RunError, ManifestError: the plan cannot be run.
    """
    from vmcore.runs.trial import (  # noqa: PLC0415  only this needs it
        pretraining_seconds_per_image,
        seconds_per_image,
    )

    if isinstance(plan, PretrainPlan):
        images = len(unlabelled_images(plan))
        return plan.epochs * images * pretraining_seconds_per_image(plan, steps)
    study = load_study(plan.study)
    work = workload(plan, study, plan.splits(study))
    forth_and_back, forth = seconds_per_image(plan, steps)
    return _PAIR_S * work.paired + plan.epochs * (
        work.learnt * forth_and_back + work.validated * forth
    )
