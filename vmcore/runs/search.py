"""Search for settings: the paper's grid of 48, or beyond it a sampler that learns and prunes.

Every point is a run like any other; the search itself is kept by optuna in the store's database, so
that it can be stopped, gone on with, and shared between several workers.
"""

from __future__ import annotations

import json
import logging
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import optuna
from filelock import FileLock
from optuna.trial import FrozenTrial, TrialState

from vmcore.data import load_study
from vmcore.runs.control import all_runs, cancel_run, resume_run, start_run, status
from vmcore.runs.errors import RunError
from vmcore.runs.folder import RunFolder
from vmcore.runs.plan import Plan
from vmcore.settings import settings

log = logging.getLogger(__name__)

PAPER_GRID: dict[str, list[float]] = {
    "batch_size": [32, 64, 128],
    "learning_rate": [1e-3, 5e-4, 3e-4, 1e-5],
    "weight_decay": [0.01, 0.05, 0.001, 0.0001],
}
"""The paper's search: 48 settings, five folds each, best mean validation accuracy."""

_ABOUT = "about"
_MOST_FAILURES = 2
_GIVEN_UP = (
    "Two runs in a row failed, so the search has stopped; start it again to go on where it is."
)
_POLL_S = 1.0
_STALE_S = 60


def open_search(name: str, sampler: Literal["grid", "tpe"], seed: int = 0) -> optuna.Study:
    """A search by name, new or gone on with.

    Args:
        name: its name.
        sampler: "grid" for the paper's 48 points; "tpe" beyond it, with median pruning over folds.
        seed: of the sampler.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder: Path = settings().store
    folder.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():  # its heartbeat is called experimental since 2021
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        storage = optuna.storages.RDBStorage(
            f"sqlite:///{folder / 'search.db'}",
            heartbeat_interval=_STALE_S // 4,
            grace_period=_STALE_S,
            failed_trial_callback=optuna.storages.RetryFailedTrialCallback(),
        )
    chosen: optuna.samplers.BaseSampler = (
        optuna.samplers.GridSampler(PAPER_GRID, seed=seed)
        if sampler == "grid"
        else optuna.samplers.TPESampler(seed=seed)
    )
    pruner = optuna.pruners.NopPruner() if sampler == "grid" else optuna.pruners.MedianPruner()
    return optuna.create_study(
        study_name=name, storage=storage, sampler=chosen, pruner=pruner, direction="maximize",
        load_if_exists=True,
    )  # fmt: skip


def search(
    plan: Plan,
    study: optuna.Study,
    *,
    trials: int | None = None,
    on_trial: Callable[[FrozenTrial], None] | None = None,
) -> optuna.Study:
    """Try settings until the grid is through, or so many trials are done.

    A search belongs to the images and to the plan that it began with: results on others would not
    be comparable. It stops where the study changes meanwhile, and where two runs in a row fail. Settings
    whose run failed are tried once more when the search is gone on with.

    Args:
        plan: everything but batch size, learning rate and weight decay.
        study: from :func:`open_search`.
        trials: at most so many more; the whole grid without.
        on_trial: called after each.

    Raises:
        RunError: the search was begun on other images or with another plan, and what differs; or two runs
            in a row failed, and why the last one did.
        ManifestError: the study cannot be opened.
    """
    reasons: list[RunError] = []
    failed: list[RunError] = []  # in a row
    tried: list[int] = []
    _hold_to_its_beginning(study, plan)

    def try_one(trial: optuna.Trial) -> float:
        tried.append(trial.number)
        try:
            accuracy = _accuracy(trial, plan)
        except RunError as error:
            failed.append(error)
            raise
        failed.clear()
        return accuracy

    def after(_: optuna.Study, trial: FrozenTrial) -> None:
        if on_trial:
            on_trial(trial)
        try:
            _hold_to_its_beginning(study, plan)
        except RunError as error:
            reasons.append(error)
            study.stop()
        if len(failed) == _MOST_FAILURES:
            reasons.append(RunError(f"{_GIVEN_UP} The last one: {failed[-1]}"))
            study.stop()

    if trials != 0:
        _retry_failed(study)
    while trials is None or len(tried) < trials:
        more = None if trials is None else trials - len(tried)
        study.optimize(try_one, n_trials=more, callbacks=[after], catch=(RunError,))
        if reasons:
            raise reasons[0]
        if not study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
            break  # a grid that is through stops at each trial, also where others wait
    return study


def untried(study: optuna.Study) -> list[FrozenTrial]:
    """One trial of each setting whose runs all failed, and that does not wait for another try."""
    trials = study.get_trials()
    failed = {_setting(one): one for one in trials if one.state == TrialState.FAIL}
    tried = {_setting(one) for one in trials if one.state != TrialState.FAIL}
    return [trial for setting, trial in failed.items() if setting not in tried]


def _setting(trial: FrozenTrial) -> frozenset[tuple[str, object]]:
    return frozenset(trial.params.items())


def _retry_failed(study: optuna.Study) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        again = optuna.storages.RetryFailedTrialCallback()
    for trial in untried(study):
        again(study, trial)


def _hold_to_its_beginning(study: optuna.Study, plan: Plan) -> None:
    """Note what a new search is about; refuse to go on with one that is about something else."""
    about = {"images and labels": load_study(plan.study).digest}
    about["sampler"] = type(study.sampler).__name__
    about |= _not_searched(plan)
    with FileLock(settings().store / "search.lock"):  # several workers may begin at once
        noted = study.user_attrs.get(_ABOUT)
        if noted is None and not study.get_trials(deepcopy=False):
            study.set_user_attr(_ABOUT, about)
            return
    if noted is None:
        raise RunError(
            f"The search {study.study_name} was begun before searches kept what they are about, so "
            "its results cannot be compared with new ones. Start one under another name."
        )
    differ = [key for key in about | noted if about.get(key) != noted.get(key)]
    if differ:
        raise RunError(
            f"The search {study.study_name} was begun with another value of {', '.join(differ)}, so "
            "its results cannot be compared with new ones. Start one under another name."
        )


def _not_searched(plan: Plan) -> dict[str, str]:
    """What of a plan makes a result another one, but for its images and for what is searched."""
    chosen = plan.model_dump(mode="json", exclude={"name", "study", "processes", "settings"})
    chosen |= plan.settings.model_dump(mode="json", exclude=set(PAPER_GRID))
    return {key: json.dumps(value, sort_keys=True) for key, value in chosen.items()}


def _accuracy(trial: optuna.Trial, plan: Plan) -> float:
    grid = isinstance(trial.study.sampler, optuna.samplers.GridSampler)
    changed = {
        "batch_size": int(trial.suggest_categorical("batch_size", PAPER_GRID["batch_size"])),
        "learning_rate": (
            trial.suggest_categorical("learning_rate", PAPER_GRID["learning_rate"])
            if grid
            else trial.suggest_float("learning_rate", 1e-5, 1e-3, log=True)
        ),
        "weight_decay": (
            trial.suggest_categorical("weight_decay", PAPER_GRID["weight_decay"])
            if grid
            else trial.suggest_float("weight_decay", 1e-4, 0.05, log=True)
        ),
    }
    wished = plan.model_copy(
        update={
            "name": f"{plan.name} {trial.number + 1}",
            "settings": plan.settings.model_copy(update=changed),
        }
    )
    folder = run_with(wished)
    trial.set_user_attr("run_id", folder.run_id)
    return _follow(trial, folder)


def run_with(plan: Plan) -> RunFolder:
    """The run of these settings on these images: one that is there, gone on with, or a new one."""
    digest = load_study(plan.study).digest
    for folder, stands in all_runs():
        if _same(folder, plan, digest):
            if stands.state in {"failed", "cancelled"}:
                return resume_run(folder.run_id)
            return folder
    return start_run(plan)


def _same(folder: RunFolder, plan: Plan, digest: str) -> bool:
    """Whether a run has this plan, whatever its name, and was started on these very images."""
    try:
        own = folder.cross_validation()
    except RunError:  # damaged, or a pretraining: it is nobody's
        return False
    told = folder.read_json("environment.json").get("study_digest")
    return told == digest and own.model_copy(update={"name": plan.name}) == plan


def _follow(trial: optuna.Trial, folder: RunFolder) -> float:
    told = 0
    while True:
        stands = status(folder)
        accuracies = fold_accuracies(folder)
        if len(accuracies) > told and stands.state != "finished":
            told = len(accuracies)
            trial.report(float(np.mean(accuracies)), told)
            if trial.should_prune():
                cancel_run(folder.run_id)
                raise optuna.TrialPruned
        if stands.state == "finished":
            return float(np.mean(accuracies))
        if stands.state in {"failed", "cancelled"}:
            raise RunError(stands.reason or "The run was stopped.")
        time.sleep(_POLL_S)


def fold_accuracies(folder: RunFolder) -> list[float]:
    """Best validation accuracy of each finished fold."""
    numbers = range(1, folder.cross_validation().folds + 1)
    return [
        max(folder.history(number), key=lambda result: result.score).validation["accuracy"]
        for number in numbers
        if folder.fold_done(number)
    ]


def finished_trials(study: optuna.Study) -> list[FrozenTrial]:
    """Trials with a result, the best first."""
    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return sorted(done, key=lambda trial: -(trial.value or 0.0))
