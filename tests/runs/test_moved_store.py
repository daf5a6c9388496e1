"""A store that was moved, copied or brought back from a backup answers, and changes, with its own files."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.runs.support import copied_store
from vmcore.data import StoredStudy
from vmcore.runs import (
    PretrainPlan,
    RunFolder,
    all_runs,
    bundle_in_use,
    delete_run,
    find_run,
    open_reviewed,
    open_store,
    promote,
    roll_back,
)
from vmcore.runs.run_plan import plan_text, read_plan
from vmcore.runs.store_address import database_file
from vmcore.settings import settings


def in_store(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Go on as an app that was started anew with this store."""
    monkeypatch.setenv("VMCORE_STORE", str(place))
    settings.cache_clear()
    open_store.cache_clear()


def places(store: Path) -> list[str]:
    """Whatever the database names as a place of a run's or a model's files."""
    with closing(sqlite3.connect(database_file(store))) as connection:
        asked = (
            "select artifact_uri from runs union all select source from model_versions union all "
            "select storage_location from model_versions union all "
            "select artifact_location from experiments where name = 'VentriScope'"
        )
        return [place for (place,) in connection.execute(asked)]


@pytest.fixture
def full(two_runs: Path, phantom_study: StoredStudy, store: Path) -> tuple[RunFolder, ...]:
    """A store that holds the study of its two runs, the first of them promoted."""
    runs = copied_store(two_runs, store)
    study = store / "studies/phantoms"
    shutil.copytree(phantom_study.folder, study)
    for run in runs:
        plan = run.cross_validation().model_copy(update={"study": study})
        (run.path / "plan.json").write_text(plan_text(plan))
    promote(runs[0].run_id, why="test")
    return runs


def test_everything_of_a_moved_store_is_found_where_it_lies_now(
    full: tuple[RunFolder, ...], store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (run.run_id for run in full)
    moved = tmp_path / "another place" / "vs"
    moved.parent.mkdir()
    store.rename(moved)
    in_store(moved, monkeypatch)

    assert {run.run_id for run, _ in all_runs()} == {first, second}
    assert bundle_in_use().run_id == first
    assert bundle_in_use().bundle.is_relative_to(moved)
    reviewed = open_reviewed(second)
    assert reviewed.find_image(str(reviewed.predictions.table["image"].iloc[0])) is not None
    assert find_run(first).cross_validation().study == moved / "studies/phantoms"
    assert set(places(moved)) == {
        (moved / "artifacts" / rest).as_uri()
        for rest in ("", f"{first}/artifacts", f"{second}/artifacts", f"{first}/artifacts/bundle")
    }
    promote(second, why="goes on")
    assert bundle_in_use().run_id == second
    roll_back(why="and back")
    assert bundle_in_use().run_id == first
    delete_run(second)
    assert not (moved / "artifacts" / second).exists()
    assert not store.exists()  # nothing is made where it was


def test_a_copy_beside_its_original_changes_nothing_of_it(
    full: tuple[RunFolder, ...], store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    copy = tmp_path / "copy"
    shutil.copytree(store, copy)
    in_store(copy, monkeypatch)
    second = full[1].run_id
    assert find_run(second).cross_validation().study == copy / "studies/phantoms"
    bundle = open_store(copy).artifact(second, "bundle")
    assert bundle.is_relative_to(copy)
    open_store(copy).change_bundle(second, bundle, "bundle.json", "{}")
    delete_run(second)
    assert {path: path.read_bytes() for path in store.rglob("*") if path.is_file()} == before


def test_the_same_folder_by_another_name_is_no_other_place(
    full: tuple[RunFolder, ...], store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = places(store)
    (tmp_path / "link").symlink_to(store)
    in_store(tmp_path / "link", monkeypatch)
    assert open_store(tmp_path / "link").artifact(full[0].run_id, "bundle").is_dir()
    assert places(store) == before


def test_a_database_that_several_share_stays_with_its_own_files(
    full: tuple[RunFolder, ...], store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = places(store)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{database_file(store)}")
    (tmp_path / "mine/artifacts").mkdir(parents=True)
    in_store(tmp_path / "mine", monkeypatch)
    found = open_store(tmp_path / "mine").artifact(full[0].run_id, "bundle")
    assert found.is_relative_to(store)
    assert places(store) == before


def test_files_that_did_not_come_along_go_on_being_named_where_they_are(
    full: tuple[RunFolder, ...], store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (run.run_id for run in full)
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(database_file(store), other)
    in_store(other, monkeypatch)
    assert open_store(other).artifact(first, "bundle").is_relative_to(store)
    assert places(other) == places(store)  # none came
    shutil.copytree(store / "artifacts" / second, other / "artifacts" / second)
    in_store(other, monkeypatch)
    assert open_store(other).artifact(first, "bundle").is_relative_to(store)
    assert open_store(other).artifact(second, "bundle").is_relative_to(other)
    assert bundle_in_use().bundle.is_relative_to(store)


def test_a_plan_names_what_lies_in_the_store_from_there_on(
    full: tuple[RunFolder, ...], store: Path
) -> None:
    plan = full[0].cross_validation()
    assert json.loads(plan_text(plan))["study"] == "studies/phantoms"
    assert read_plan(plan_text(plan)) == plan
    elsewhere = plan.model_copy(update={"study": store.parent / "elsewhere"})
    assert read_plan(plan_text(elsewhere)) == elsewhere


@pytest.mark.parametrize("former", ["/was/here", f"/{'x' * 300}"])  # gone, or not to be looked at
def test_what_older_plans_name_in_full_is_found_where_it_lies_now(former: str, store: Path) -> None:
    for own in ("studies/a", "corpora/b", "studies/c", "studies/made elsewhere"):
        (store / own).mkdir(parents=True)
    there = store.parent / "elsewhere/studies/a"
    there.mkdir(parents=True)
    text = json.dumps(
        {
            "kind": "pretrain", "name": "n", "corpora": [f"{former}/corpora/b"],
            "studies": [f"{former}/studies/a", str(there), f"{former}/made elsewhere"],
            "leave_out_test_of": [{"study": f"{former}/studies/{one}"} for one in ("c", "unknown")],
        }
    )  # fmt: skip
    plan = read_plan(text)
    assert isinstance(plan, PretrainPlan)
    assert plan.corpora == (store / "corpora/b",)
    assert plan.studies == (store / "studies/a", there, Path(former) / "made elsewhere")
    assert [one.study for one in plan.held_out] == [
        store / "studies/c",
        Path(former) / "studies/unknown",
    ]
    assert read_plan(plan_text(plan)) == plan
