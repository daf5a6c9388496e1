"""Runs from start to end, with real processes and a real SQLite store: what is said is true."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
import torch
from safetensors.torch import load_file

from tests.canaries import search
from tests.conftest import ROOT
from tests.runs.support import small_plan, wait_for, wait_until
from vmcore.data import StoredStudy, pseudonyms
from vmcore.inference import Classifier
from vmcore.models import load_card
from vmcore.runs import (
    BUNDLED,
    RunError,
    RunFolder,
    all_runs,
    bundle_in_use,
    cancel_run,
    delete_run,
    estimate_seconds,
    find_run,
    open_store,
    promote,
    promotions,
    resume_run,
    roll_back,
    start_run,
    status,
)
from vmcore.runs.lineage import find_starts
from vmcore.runs.weights import starting_model
from vmcore.settings import settings


def end(folder: RunFolder) -> None:
    worker = psutil.Process(int(folder.read_json("job.json")["pid"]))  # type: ignore[arg-type]
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait(60)  # it holds its lock until the system has taken its memory back


def test_a_run_goes_through_and_keeps_everything(done: RunFolder) -> None:
    stands = status(done)
    assert stands.state == "finished", done.tail()
    assert stands.epochs == (2, 2)
    assert stands.progress == 1.0
    store = open_store(settings().store)
    (run,) = store.summaries()
    assert run["status"] == "FINISHED"
    assert run["params"]["learning_rate"] == "0.0001"
    history = store.client.get_metric_history(done.run_id, "fold_2.validation_loss")
    expected = [result.validation_loss for result in done.history(2)]
    assert [metric.value for metric in history] == pytest.approx(expected)
    for name in ("plan.json", "splits.csv", "environment.json", "predictions.csv", "bundle"):
        assert store.artifact(done.run_id, name).exists()
    environment = json.loads(store.artifact(done.run_id, "environment.json").read_text())
    assert environment["packages"]["torch"] == torch.__version__.split("+")[0]
    assert not list(done.path.rglob("checkpoint.safetensors"))


def test_its_predictions_are_those_of_its_bundle(
    done: RunFolder, phantom_study: StoredStudy
) -> None:
    bundle = open_store(settings().store).artifact(done.run_id, "bundle")
    predictions = pd.read_csv(bundle / "predictions.csv")
    images = phantom_study.images().transpose(0, 2, 3, 1)
    test = predictions[predictions["split"] == "test"]
    rows = sorted(test["image"].unique())
    answers = Classifier.load(bundle, precision="float32").predict(
        [images[row - 1] for row in rows], heatmap=None
    )
    expected = test.pivot_table(index="image", columns="fold", values="probability").to_numpy()
    got = np.array([answer.fold_probabilities for answer in answers])
    assert got == pytest.approx(expected, abs=1e-4)
    validated = predictions[predictions["split"] == "validation"]["image"]
    assert sorted([*rows, *validated]) == list(range(1, len(images) + 1))


def test_no_file_name_or_subject_leaves_the_study(
    done: RunFolder, phantom_study: StoredStudy
) -> None:
    artifacts = open_store(settings().store).artifact(done.run_id, "bundle").parent
    names = {path: path for path in phantom_study.table["path"]}
    assert set().union(*search([phantom_study.folder], names).values()) == set(names)
    assert search([artifacts, done.path], names) == {}
    for file in done.path.rglob("predictions.csv"):
        assert set(pd.read_csv(file)["subject"]) <= set(pseudonyms(phantom_study.table)["subject"])


@pytest.mark.long
@pytest.mark.parametrize("phase", ["epoch", "finishing"])
def test_a_killed_run_says_so_and_ends_as_if_nothing_had_happened(
    phantom_study: StoredStudy, store: Path, done: RunFolder, monkeypatch: pytest.MonkeyPatch,
    phase: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("VMCORE_STORE", str(store))
    settings.cache_clear()
    folder = start_run(small_plan(phantom_study.folder))
    if phase == "epoch":
        wait_until(folder, lambda stands: stands.epochs[0] >= 1)
    else:
        wait_until(folder, lambda _: bool(list(folder.path.glob(".finishing-*"))))
    end(folder)
    stands = wait_for(folder, "failed", "finished")
    assert stands.state == "failed"
    assert "killed" in stands.reason
    assert {f.run_id: s.state for f, s in all_runs()} == {folder.run_id: "failed"}
    assert open_store(store).summaries()[0]["status"] == "FAILED"
    resume_run(folder.run_id)
    wait_for(folder, "finished")
    for number in (1, 2):
        mine, theirs = (load_file(one.fold(number) / "best.safetensors") for one in (folder, done))
        assert all(torch.equal(mine[key], theirs[key]) for key in theirs)
    assert open_store(store).summaries()[0]["status"] == "FINISHED"
    steps = open_store(store).client.get_metric_history(folder.run_id, "fold_1.train_loss")
    assert [metric.step for metric in steps] == [0, 1]


@pytest.mark.long
def test_a_run_is_stopped_and_resumed(phantom_study: StoredStudy, store: Path) -> None:
    folder = start_run(small_plan(phantom_study.folder, epochs=40))
    wait_until(folder, lambda stands: stands.epochs[0] >= 1)
    cancel_run(folder.run_id)
    assert status(folder).state == "cancelled"
    assert open_store(store).summaries()[0]["status"] == "KILLED"
    before = status(folder).epochs[0]
    resume_run(folder.run_id)
    with pytest.raises(RunError, match="nothing to resume"):
        resume_run(folder.run_id)
    wait_until(folder, lambda stands: stands.epochs[0] > before)
    with pytest.raises(RunError, match="still going"):
        delete_run(folder.run_id)
    cancel_run(folder.run_id)
    delete_run(folder.run_id)
    assert all_runs() == []
    with pytest.raises(RunError, match="no such run"):
        find_run(folder.run_id)


@pytest.mark.long
def test_the_second_run_waits_for_the_device(phantom_study: StoredStudy, store: Path) -> None:
    first = start_run(small_plan(phantom_study.folder, epochs=60))
    wait_for(first, "running")
    second = start_run(small_plan(phantom_study.folder, name="second"))
    wait_until(second, lambda _: any((store / "devices").glob("*/*.ticket")))
    assert status(first).state == "running"
    assert status(second).state == "pending"
    end(first)  # the lock goes with the process
    assert wait_for(second, "running", "finished").state in {"running", "finished"}
    cancel_run(second.run_id)


@pytest.mark.long
def test_a_run_survives_the_program_that_started_it(
    phantom_study: StoredStudy, store: Path
) -> None:
    """The starter is killed with its whole process group, as an app stopped by Ctrl-C is."""
    code = (
        "import sys; from pathlib import Path; from tests.runs.support import small_plan\n"
        "from vmcore.runs import start_run\n"
        "print(start_run(small_plan(Path(sys.argv[1]))).run_id, flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(phantom_study.folder)], cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
    ) as starter:  # fmt: skip
        assert starter.stdout
        folder = find_run(starter.stdout.readline().strip())
        os.killpg(starter.pid, signal.SIGINT)
    assert wait_for(folder, "finished", "failed").state == "finished"


def test_a_process_number_that_was_given_again_is_not_taken_for_the_worker(
    phantom_study: StoredStudy, store: Path
) -> None:
    folder = start_run(small_plan(phantom_study.folder, epochs=60))
    end(folder)
    myself = {"launcher": "local", "pid": os.getpid(), "born": psutil.boot_time()}
    folder.mark("job.json", json.dumps(myself))
    assert status(folder).state == "failed"


@pytest.mark.long
def test_a_study_that_changed_is_refused_on_resuming(
    phantom_study: StoredStudy, store: Path, tmp_path: Path
) -> None:

    from vmcore.data import reject

    study = tmp_path / "copy"
    shutil.copytree(phantom_study.folder, study)
    folder = start_run(small_plan(study, epochs=40))
    wait_until(folder, lambda stands: stands.epochs[0] >= 1)
    cancel_run(folder.run_id)
    reject(study, [phantom_study.table["path"][0]])
    resume_run(folder.run_id)
    stands = wait_for(folder, "failed", "finished")
    assert "has changed since this run was started" in stands.reason


@pytest.mark.long
def test_a_checkpoint_cut_in_half_fails_the_run_with_a_sentence(
    phantom_study: StoredStudy, store: Path
) -> None:
    folder = start_run(small_plan(phantom_study.folder, epochs=40))
    wait_until(folder, lambda stands: stands.epochs[0] >= 1)
    cancel_run(folder.run_id)
    whole = folder.checkpoint(1).read_bytes()
    folder.checkpoint(1).write_bytes(whole[: len(whole) // 2])
    resume_run(folder.run_id)
    stands = wait_for(folder, "failed", "finished")
    assert "checkpoint.safetensors is damaged" in stands.reason
    assert folder.checkpoint(1).stat().st_size == len(whole) // 2


@pytest.mark.long
def test_the_time_is_estimated_from_a_trial(phantom_study: StoredStudy) -> None:
    short = estimate_seconds(small_plan(phantom_study.folder))
    long = estimate_seconds(small_plan(phantom_study.folder, epochs=20))
    assert 0 < short < long


def test_a_fold_starts_from_the_former_runs_fold_that_saw_the_same_images(
    done: RunFolder, phantom_study: StoredStudy
) -> None:
    plan = small_plan(phantom_study.folder, weights=f"run:{done.run_id}")
    starts = find_starts(plan, phantom_study, plan.splits(phantom_study))
    for fold in (1, 2):
        state = starting_model(plan, starts[fold - 1]).state_dict()
        theirs = load_file(done.fold(fold) / "best.safetensors")
        assert all(torch.equal(state[key], value) for key, value in theirs.items())


def test_weights_that_saw_what_is_to_be_judged_are_refused(
    done: RunFolder, phantom_study: StoredStudy
) -> None:
    plan = small_plan(phantom_study.folder, weights=f"run:{done.run_id}", split_seed=1)
    with pytest.raises(RunError, match="would validate or test on"):
        start_run(plan)


def test_promoting_and_going_back(copied: RunFolder) -> None:
    assert bundle_in_use().bundle == settings().bundle
    with pytest.raises(RunError, match="Nothing was promoted"):
        roll_back(why="a mistake")
    with pytest.raises(RunError, match="Say why"):
        promote(copied.run_id, why=" ")
    made = promote(copied.run_id, why="better on our scans", who="R. Esearcher")
    assert load_card(bundle_in_use().bundle).name == "small"
    assert promotions() == [made]
    again = promote(copied.run_id, why="better, once more")
    roll_back(why="worse on others")  # to the other model, not to the same one's first promotion
    assert bundle_in_use().bundle == settings().bundle
    assert promotions()[1:] == [again, made]
    assert promotions()[0].run_id == BUNDLED
    assert made.who == "R. Esearcher"
    database = sqlite3.connect(settings().store / "mlflow.db")
    (count,) = database.execute("select count(*) from registered_model_tags").fetchone()
    assert count == 3


@pytest.mark.long
def test_a_full_disk_fails_the_run_and_keeps_the_last_whole_checkpoint(
    phantom_study: StoredStudy, store: Path, tmp_path: Path
) -> None:
    """The fold's folder lies on a file system that holds two checkpoints less a little."""
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=250m", "tmpfs", small], check=False
    ).returncode:
        pytest.skip("file systems cannot be mounted here (root is needed)")
    try:
        folder = start_run(small_plan(phantom_study.folder, epochs=60))
        folder.fold(1).symlink_to(small)
        wait_until(folder, lambda stands: stands.epochs[0] >= 1)
        size = folder.checkpoint(1).stat().st_size
        with contextlib.suppress(OSError):  # full already, while a checkpoint is written
            (small / "others").write_bytes(bytes(250 * 2**20 - size - size // 2))
        stands = wait_for(folder, "failed", "finished")
        assert "disk is full" in stands.reason
        (small / "others").unlink()
        before = stands.epochs[0]
        resume_run(folder.run_id)
        wait_until(folder, lambda now: now.epochs[0] > before)
        cancel_run(folder.run_id)
    finally:
        subprocess.run(["umount", "--lazy", small], check=True)
