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
from vmcore.runs.run_plan import read_plan
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
        plan = json.loads((run.path / "plan.json").read_text())
        (run.path / "plan.json").write_text(json.dumps(plan | {"study": str(study)}))
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


def test_a_database_that_came_without_its_files_goes_on_naming_the_former_ones(
    full: tuple[RunFolder, ...], store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bare").mkdir()
    shutil.copy(database_file(store), tmp_path / "bare")
    in_store(tmp_path / "bare", monkeypatch)
    assert open_store(tmp_path / "bare").artifact(full[0].run_id, "bundle").is_relative_to(store)
    assert places(tmp_path / "bare") == places(store)


def test_a_pretrainings_sources_are_found_too(tmp_path: Path) -> None:
    for own in ("studies/a", "corpora/b", "studies/c"):
        (tmp_path / own).mkdir(parents=True)
    (tmp_path / "elsewhere/d").mkdir(parents=True)
    gone, there = "/was/here/studies", str(tmp_path / "elsewhere/d")
    text = json.dumps(
        {
            "kind": "pretrain", "name": "n", "studies": [f"{gone}/a", there], "corpora": ["/was/here/corpora/b"],
            "leave_out_test_of": [{"study": f"{gone}/c"}, {"study": f"{gone}/unknown"}],
        }
    )  # fmt: skip
    plan = read_plan(text, tmp_path)
    assert plan.studies_read == (
        tmp_path / "studies/a",
        Path(there),
        tmp_path / "studies/c",
        Path(gone) / "unknown",
    )
    assert plan.corpora == (tmp_path / "corpora/b",)  # type: ignore[union-attr]
