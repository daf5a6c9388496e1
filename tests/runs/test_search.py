"""The search: the paper's grid, gone on with after it was stopped, and pruning beyond it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import cv2
import optuna
import pytest

from tests.runs.support import small_plan
from train.search import SearchArguments
from train.search import main as search_from_the_command_line
from vmcore.data import StoredStudy, load_study, prepared_path, reject
from vmcore.runs import RunError, RunFolder, all_runs, cancel_run
from vmcore.runs import search as searching
from vmcore.runs.search import (
    PAPER_GRID,
    finished_trials,
    fold_accuracies,
    open_search,
    run_with,
    search,
    untried,
)


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


@pytest.mark.long
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


def repaint(study: StoredStudy) -> None:
    """Change the pixels of one prepared image and nothing else."""
    file = prepared_path(study.folder / "prepared", study.table["path"][0])
    pixels = cv2.imread(str(file))
    pixels[100:120] = 255 - pixels[100:120]
    cv2.imwrite(str(file), pixels)


@pytest.fixture
def own_study(phantom_study: StoredStudy, tmp_path: Path) -> StoredStudy:
    """A study that may be changed."""
    shutil.copytree(phantom_study.folder, tmp_path / "own")
    return load_study(tmp_path / "own")


def test_a_run_on_pixels_that_have_changed_since_is_not_counted(
    own_study: StoredStudy, store: Path
) -> None:
    plan = small_plan(own_study.folder, epochs=1)
    first = run_with(plan)
    cancel_run(first.run_id)
    repaint(own_study)
    second = run_with(plan)
    cancel_run(second.run_id)
    assert second.run_id != first.run_id


def test_a_search_does_not_go_on_with_other_images(own_study: StoredStudy, store: Path) -> None:
    plan = small_plan(own_study.folder)
    search(plan, open_search("small", "grid"), trials=0)
    search(plan, open_search("small", "grid"), trials=0)  # as after a restart
    reject(own_study.folder, [own_study.table["path"][0]])
    with pytest.raises(RunError, match="another value of images and labels"):
        search(plan, open_search("small", "grid"), trials=0)
    reject(own_study.folder, [])
    search(plan, open_search("small", "grid"), trials=0)
    repaint(own_study)
    with pytest.raises(RunError, match=r"images and labels.*under another name"):
        search(plan, open_search("small", "grid"), trials=0)
    search(plan, open_search("another", "grid"), trials=0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"weights": "random"}, "weights"),
        ({"folds": 3}, "folds"),
        ({"split_seed": 4}, "split_seed"),
        ({"epochs": 7}, "epochs"),
        ({"architecture": "usf-mae-small"}, "architecture"),
    ],
)
def test_a_search_does_not_go_on_with_another_plan(
    phantom_study: StoredStudy, store: Path, change: dict[str, object], words: str
) -> None:
    plan = small_plan(phantom_study.folder)
    search(plan, open_search("small", "grid"), trials=0)
    other = small_plan(phantom_study.folder, **change)
    with pytest.raises(RunError, match=f"another value of {words},"):
        search(other, open_search("small", "grid"), trials=0)
    searched = small_plan(phantom_study.folder, name="renamed", batch_size=64, weight_decay=0.01)
    search(searched, open_search("small", "grid"), trials=0)
    with pytest.raises(RunError, match="sampler"):
        search(plan, open_search("small", "tpe"), trials=0)


def test_a_search_of_before_it_kept_what_it_is_about_is_not_gone_on_with(
    phantom_study: StoredStudy, store: Path
) -> None:
    study = open_search("old", "grid")
    study.optimize(lambda trial: suggest(trial)["weight_decay"], n_trials=1)
    with pytest.raises(RunError, match="begun before searches kept"):
        search(small_plan(phantom_study.folder), open_search("old", "grid"), trials=0)


@pytest.mark.long
def test_a_search_stops_when_its_study_changes_meanwhile(
    own_study: StoredStudy, store: Path
) -> None:
    plan = small_plan(own_study.folder, epochs=1)
    study = open_search("small", "grid")
    with pytest.raises(RunError, match="images and labels"):
        search(plan, study, trials=3, on_trial=lambda _: repaint(own_study))
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"]


def test_settings_whose_run_failed_are_tried_again_later(
    phantom_study: StoredStudy, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = {"batch_size": [32], "learning_rate": [1e-3, 1e-5], "weight_decay": [0.01, 0.05, 0.001]}
    monkeypatch.setattr(searching, "PAPER_GRID", grid)
    monkeypatch.setattr(searching, "run_with", lambda _: RunFolder(store / "runs/none"))
    fails = iter([False, True, False, True, True])

    def follow(trial: optuna.Trial, _: RunFolder) -> float:
        if next(fails, False):
            raise RunError("The disk is full.")
        return 0.5

    monkeypatch.setattr(searching, "_follow", follow)
    plan = small_plan(phantom_study.folder)
    with pytest.raises(RunError, match=r"Two runs in a row failed.*The disk is full\."):
        search(plan, open_search("small", "grid"))
    assert len(untried(open_search("small", "grid"))) == 3
    study = search(plan, open_search("small", "grid"), trials=1)
    assert len(finished_trials(study)) == 3
    study = search(plan, open_search("small", "grid"))
    assert untried(study) == []
    tried = {tuple(sorted(trial.params.items())) for trial in finished_trials(study)}
    assert len(tried) == 6


@pytest.mark.parametrize(
    "given",
    [
        {"batch_size": 32},
        {"learning_rate": 1e-3},
        {"weight_decay": 0.0},
        {"resume": "0123"},
        {"detach": True},
    ],
)
def test_a_search_refuses_what_it_would_pass_over(store: Path, given: dict[str, Any]) -> None:
    option = "--" + next(iter(given)).replace("_", "-")
    with pytest.raises(SystemExit, match=f"A search does not take {option}:"):
        search_from_the_command_line(SearchArguments(study="none", **given))
    assert not (store / "search.db").exists()
