"""Two people at once, a kill in the wrong moment: nothing is lost, and nothing half done is seen."""

from __future__ import annotations

import os
import shutil
import threading
import time
from pathlib import Path

import pytest

from tests.runs.support import copied_store, finished_run, small_plan
from vmcore.data import StoredStudy, rejected
from vmcore.runs import (
    BUNDLED,
    RunError,
    RunFolder,
    all_runs,
    bundle_in_use,
    control,
    delete_run,
    delete_study,
    open_store,
    promote,
    reject_images,
    roll_back,
    start_run,
    status,
    take_back_images,
)
from vmcore.runs.leftovers import sweep_runs
from vmcore.runs.locks import alone, hold
from vmcore.runs.study_status import LOCK
from vmcore.settings import settings


@pytest.fixture
def study(phantom_study: StoredStudy, store: Path) -> Path:
    """A study of the store, which may be changed."""
    place = store / "studies/brains"
    shutil.copytree(phantom_study.folder, place)
    return place


@pytest.fixture
def no_worker(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Runs whose worker lives and does nothing; the locks that it holds."""
    held: list[int] = []

    def start(folder: RunFolder) -> None:
        descriptor = hold(folder.worker_lock)
        assert descriptor is not None
        held.append(descriptor)

    monkeypatch.setattr(control, "start_work", start)
    return held


def test_a_run_that_goes_cannot_be_promoted_meanwhile(
    copied: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Exception] = []

    def other() -> None:
        try:
            promote(copied.run_id, why="in another session")
        except RunError as error:
            told.append(error)

    session = threading.Thread(target=other)

    def look() -> object:
        found = bundle_in_use()
        session.start()
        time.sleep(1.0)  # time enough to promote
        return found

    monkeypatch.setattr(control, "bundle_in_use", look)
    delete_run(copied.run_id)
    session.join()
    assert len(told) == 1
    assert "no such run" in str(told[0])
    assert bundle_in_use().run_id == BUNDLED


def test_going_back_passes_over_a_model_that_is_gone(two_runs: Path, store: Path) -> None:
    first, second = copied_store(two_runs, store)
    for run in (first, second):
        promote(run.run_id, why="test")
    delete_run(first.run_id)
    assert roll_back(why="worse").run_id == BUNDLED


def test_a_run_is_seen_when_it_is_whole(
    study: Path, no_worker: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    mark = RunFolder.mark

    def marking(folder: RunFolder, name: str, content: str = "") -> None:
        mark(folder, name, content)
        seen.extend(stands.state for _, stands in all_runs())

    monkeypatch.setattr(RunFolder, "mark", marking)
    folder = start_run(small_plan(study))
    assert "failed" not in seen
    assert no_worker
    assert status(folder).state == "pending"
    assert open_store(settings().store).status(folder.run_id) == "SCHEDULED"


def test_a_disk_that_fills_up_at_the_start_leaves_nothing(
    study: Path, monkeypatch: pytest.MonkeyPatch, store: Path
) -> None:
    def full(folder: RunFolder, name: str, content: str = "") -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(RunFolder, "mark", full)
    with pytest.raises(OSError, match="No space"):
        start_run(small_plan(study))
    assert open_store(store).summaries() == []
    assert list((store / "runs").iterdir()) == []


def test_what_a_kill_left_is_swept_from_disk_and_store(copied: RunFolder, store: Path) -> None:
    kept = copied.path.rename(copied.path.with_name(f".deleted-{copied.run_id}"))
    half = store / "runs" / f".new-{open_store(store).create(small_plan(store))}"
    half.mkdir()
    sweep_runs()
    assert half.is_dir()  # somebody may be just making it
    assert not kept.exists()
    long_ago = time.time() - 600
    os.utime(half, (long_ago, long_ago))
    with alone(half / "control.lock", "busy"):
        os.utime(half, (long_ago, long_ago))
        sweep_runs()
        assert half.is_dir()
    os.utime(half, (long_ago, long_ago))
    sweep_runs()
    assert not half.exists()
    assert open_store(store).summaries() == []
    left = {path.suffix for path in store.rglob("*") if path.is_file()}
    assert not left & {".safetensors", ".csv"}
    sweep_runs()


def test_a_run_from_whose_weights_another_starts_stays(
    phantom_study: StoredStudy, store: Path, no_worker: list[int]
) -> None:
    parent = finished_run(small_plan(phantom_study.folder, name="parent"))
    plan = small_plan(phantom_study.folder, name="child", weights=f"run:{parent.run_id}")
    child = start_run(plan)
    with pytest.raises(RunError, match="starts from this one's weights"):
        delete_run(parent.run_id)
    os.close(no_worker.pop())
    child.mark("cancelled")
    delete_run(parent.run_id)
    assert [run.run_id for run, _ in all_runs()] == [child.run_id]


def test_no_run_starts_on_a_study_that_is_being_prepared(study: Path, no_worker: list[int]) -> None:
    descriptor = hold(study / LOCK)
    assert descriptor is not None
    with pytest.raises(RunError, match="is being prepared"):
        start_run(small_plan(study))
    os.close(descriptor)
    assert all_runs() == []
    assert not no_worker
    start_run(small_plan(study))


def test_a_study_under_a_run_that_waits_or_is_just_starting_stays_as_it_is(
    study: Path, phantom_study: StoredStudy, no_worker: list[int]
) -> None:
    path = phantom_study.table["path"][0]
    run = start_run(small_plan(study))
    for change in (
        lambda: reject_images(study, [path]),
        lambda: take_back_images(study, [path]),
        lambda: delete_study(study),
    ):
        with pytest.raises(RunError, match="has not ended works on this study"):
            change()
    os.close(no_worker.pop())
    run.mark("cancelled")
    with alone(run.control_lock, "busy"), pytest.raises(RunError, match="has not ended"):
        delete_study(study)  # somebody is just resuming it
    reject_images(study, [path])
    assert rejected(study) == {path}


def test_two_who_look_through_a_study_lose_nothing_of_each_other(
    study: Path, phantom_study: StoredStudy
) -> None:
    first, second, third = phantom_study.table["path"][:3]
    reject_images(study, [third])
    sessions = [
        threading.Thread(target=reject_images, args=(study, [path])) for path in (first, second)
    ]
    sessions.append(threading.Thread(target=take_back_images, args=(study, [third])))
    for session in sessions:
        session.start()
    for session in sessions:
        session.join()
    assert rejected(study) == {first, second}


def test_a_study_that_is_gone_gets_a_sentence(study: Path) -> None:
    shutil.rmtree(study)
    for change in (reject_images, take_back_images):
        with pytest.raises(RunError, match="no such study any more"):
            change(study, ["a.png"])


def test_a_run_that_is_deleted_while_all_are_looked_at_is_passed_over(
    copied: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = control.status

    def look(folder: RunFolder) -> object:
        stands = looked(folder)
        delete_run(folder.run_id)
        return control.RunStatus("failed", "x", stands.epochs, stands.planned, None)

    monkeypatch.setattr(control, "status", look)
    assert all_runs() == []


def test_why_a_run_failed_is_forgotten_when_it_goes_on(store: Path, study: Path) -> None:
    runs = open_store(store)
    run_id = runs.create(small_plan(study))
    runs.set_status(run_id, "FAILED", "the disk was full")
    assert runs.client.get_run(run_id).data.tags["reason"] == "the disk was full"
    runs.set_status(run_id, "SCHEDULED")
    assert "reason" not in runs.client.get_run(run_id).data.tags


def test_going_back_twice_from_one_model_goes_back_once(two_runs: Path, store: Path) -> None:
    first, second = copied_store(two_runs, store)
    for run in (first, second):
        promote(run.run_id, why="test")
    assert roll_back(why="worse", expected=second.run_id).run_id == first.run_id
    with pytest.raises(RunError, match="Another model is in use by now"):
        roll_back(why="worse", expected=second.run_id)
    assert bundle_in_use().run_id == first.run_id
