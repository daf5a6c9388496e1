"""The search: the paper's grid, gone on with after it was stopped, and pruning beyond it."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from tests.runs.support import small_plan
from vmcore.data import StoredStudy
from vmcore.runs import all_runs, cancel_run
from vmcore.runs.search import PAPER_GRID, fold_accuracies, open_search, run_with, search


def test_the_papers_grid_has_48_points(store: Path) -> None:
    study = open_search("grid", "grid")
    seen = set()
    study.optimize(lambda trial: seen.add(tuple(suggest(trial).values())) or 0.5)
    assert len(seen) == 48
    assert seen == {
        (batch, rate, decay)
        for batch in (32, 64, 128)
        for rate in (1e-3, 5e-4, 3e-4, 1e-5)
        for decay in (0.01, 0.05, 0.001, 0.0001)
    }


def suggest(trial: optuna.Trial) -> dict[str, float]:
    return {name: trial.suggest_categorical(name, values) for name, values in PAPER_GRID.items()}


def test_a_search_is_made_of_runs_and_goes_on_where_it_was(
    phantom_study: StoredStudy, store: Path
) -> None:
    plan = small_plan(phantom_study.folder, epochs=1, name="search")
    search(plan, open_search("small", "grid"), trials=1)
    study = search(plan, open_search("small", "grid"), trials=1)  # as after a restart
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "COMPLETE"]
    assert study.trials[0].params != study.trials[1].params
    runs = {folder.run_id: folder for folder, _ in all_runs()}
    assert len(runs) == 2
    for trial in study.trials:
        folder = runs[trial.user_attrs["run_id"]]
        assert folder.plan().settings.learning_rate == trial.params["learning_rate"]
        accuracies = fold_accuracies(folder)
        assert trial.value == pytest.approx(sum(accuracies) / len(accuracies))


def test_an_interrupted_trial_takes_up_its_run_again(
    phantom_study: StoredStudy, store: Path
) -> None:
    plan = small_plan(phantom_study.folder, epochs=1)
    first = run_with(plan)
    again = run_with(plan.model_copy(update={"name": "another name"}))
    assert again.run_id == first.run_id
    assert len(all_runs()) == 1
    cancel_run(first.run_id)
