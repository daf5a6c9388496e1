"""Runs on a real Slurm controller: an array of folds, cancelling, a node that fails."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runs.slurm_cluster import recover, slurm_cluster, why_not
from tests.runs.support import pretraining, small_plan, wait_for, wait_until
from vmcore.data import StoredStudy
from vmcore.runs import (
    RunError,
    RunFolder,
    all_runs,
    cancel_run,
    delete_run,
    open_store,
    resume_run,
    start_run,
    status,
)
from vmcore.settings import settings

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "Slurm is there")


@pytest.fixture(scope="module")
def daemons(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[subprocess.Popen[str]]]:
    with (
        pytest.MonkeyPatch.context() as patch,
        slurm_cluster(tmp_path_factory.mktemp("slurm"), patch) as started,
    ):
        yield started


@pytest.fixture
def cluster(
    store: Path, daemons: list[subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[subprocess.Popen[str]]]:
    """One controller for all tests; each leaves it as it was, without jobs and its node idle."""
    monkeypatch.setenv("VMCORE_LAUNCHER", "slurm")
    monkeypatch.setenv("VMCORE_SLURM_GPUS", "0")
    monkeypatch.setenv("VMCORE_SLURM_CPUS", "1")
    monkeypatch.setenv("VMCORE_SLURM_PARTITION", "short")
    settings.cache_clear()
    yield daemons
    recover(daemons)


def soon_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Less patience with a controller that is known not to answer, and another question sooner."""
    for name in ("_PAGE_S", "_DECISION_S", "_SILENT_S"):
        monkeypatch.setattr(f"vmcore.runs.slurm.{name}", 2.0)


def test_folds_are_an_array_and_the_last_one_finishes_the_run(
    phantom_study: StoredStudy, cluster: object
) -> None:
    folder = start_run(small_plan(phantom_study.folder))
    jobs = folder.read_json("job.json")["jobs"]
    assert [str(job).split("_")[1] for job in jobs] == ["0", "1"]  # type: ignore[attr-defined]
    assert status(folder).state in {"pending", "running"}
    assert wait_for(folder, "finished", "failed").state == "finished", folder.tail()
    assert status(folder).epochs == (2, 2)
    assert "Processor cores, as asked of Slurm: 1." in folder.tail(100)


@pytest.mark.long
def test_a_pretraining_is_one_job(phantom_study: StoredStudy, cluster: object) -> None:
    folder = start_run(pretraining(phantom_study.folder, epochs=1))
    (job,) = folder.read_json("job.json")["jobs"]  # type: ignore[misc]
    assert "_" not in str(job)
    assert wait_for(folder, "finished", "failed").state == "finished", folder.tail()
    assert "Processor cores, as asked of Slurm: 1." in folder.tail(100)


@pytest.mark.long
def test_a_job_is_cancelled_and_resumed(phantom_study: StoredStudy, cluster: object) -> None:
    folder = start_run(small_plan(phantom_study.folder, epochs=60))
    wait_until(folder, lambda stands: min(stands.epochs) >= 1)
    cancel_run(folder.run_id)
    assert status(folder).state == "cancelled"
    queue = subprocess.run(
        ["squeue", "-h", "-t", "R,PD"], capture_output=True, text=True, check=True
    )
    assert queue.stdout == ""
    before = status(folder).epochs
    resume_run(folder.run_id)
    wait_until(folder, lambda stands: min(stands.epochs) > min(before))
    cancel_run(folder.run_id)


@pytest.mark.long
def test_a_job_that_its_node_ended_is_reported_as_failed(
    phantom_study: StoredStudy, cluster: list[subprocess.Popen[str]]
) -> None:
    folder = start_run(small_plan(phantom_study.folder, epochs=60))
    wait_until(folder, lambda stands: stands.epochs[0] >= 1)
    subprocess.run(
        ["scontrol", "update", f"nodename={node()}", "state=down", "reason=test"], check=True
    )
    stands = wait_for(folder, "failed", "finished")
    assert "node fail" in stands.reason
    assert [one.state for _, one in all_runs()] == ["failed"]


def test_a_request_that_slurm_refuses_gets_its_sentence(
    phantom_study: StoredStudy, cluster: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VMCORE_SLURM_PARTITION", "no-such-partition")
    settings.cache_clear()
    with pytest.raises(RunError, match=r"Slurm did not take the run: .*partition"):
        start_run(small_plan(phantom_study.folder))
    assert [one.state for _, one in all_runs()] == ["failed"]


@pytest.mark.long
def test_a_controller_that_hangs_or_dies_leaves_the_run_as_it_is(
    phantom_study: StoredStudy,
    cluster: list[subprocess.Popen[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = start_run(small_plan(phantom_study.folder, epochs=600))
    wait_until(folder, lambda stands: stands.epochs[0] >= 1)
    assert [one.state for _, one in all_runs()] == ["running"]
    soon_silent(monkeypatch)
    cluster[1].send_signal(signal.SIGSTOP)
    assert_left_as_it_is(folder)
    cluster[1].send_signal(signal.SIGCONT)
    wait_for(folder, "running")
    cluster[1].kill()
    cluster[1].wait()
    assert_left_as_it_is(folder)
    cluster[1] = subprocess.Popen(["slurmctld", "-D"], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, text=True)  # fmt: skip
    wait_for(folder, "running")
    cancel_run(folder.run_id)
    wait_for(folder, "cancelled")


def assert_left_as_it_is(folder: RunFolder) -> None:
    """Nobody takes a silent controller's run for ended, changes or disturbs it."""
    wait_for(folder, "unknown", "failed")
    assert "Slurm does not answer" in status(folder).reason
    assert [one.state for _, one in all_runs()] == ["unknown"]
    assert open_store(settings().store).status(folder.run_id) == "RUNNING"
    for change in (resume_run, delete_run):
        with pytest.raises(RunError, match="Slurm does not answer"):
            change(folder.run_id)
    before = status(folder).epochs[0]
    wait_until(folder, lambda stands: stands.epochs[0] > before)


@pytest.mark.long
def test_a_run_that_is_stopped_while_slurm_is_silent_stops_all_the_same(
    phantom_study: StoredStudy,
    cluster: list[subprocess.Popen[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = start_run(small_plan(phantom_study.folder, epochs=200))
    wait_until(folder, lambda stands: min(stands.epochs) >= 1)
    soon_silent(monkeypatch)
    cluster[1].send_signal(signal.SIGSTOP)
    with pytest.raises(RunError, match="stop by themselves"):
        cancel_run(folder.run_id)
    deadline = time.monotonic() + 240
    while folder.tail(200).count("Stopped; it can be resumed.") < 2:  # one a fold
        assert time.monotonic() < deadline, folder.tail()
        time.sleep(0.2)
    assert status(folder).state == "unknown"
    cluster[1].send_signal(signal.SIGCONT)
    wait_for(folder, "cancelled")


@pytest.mark.long
def test_jobs_whose_numbers_were_lost_or_are_of_an_earlier_start_still_count(
    phantom_study: StoredStudy, cluster: object
) -> None:
    folder = start_run(small_plan(phantom_study.folder, epochs=200))
    wait_for(folder, "running")
    first = folder.read_json("job.json")["jobs"]
    folder.mark("job.json", json.dumps({"launcher": "slurm"}))  # as after a crash of the starter
    with pytest.raises(RunError, match="nothing to resume"):
        resume_run(folder.run_id)
    folder.mark("job.json", json.dumps({"launcher": "slurm", "jobs": first}))
    cancel_run(folder.run_id)
    resume_run(folder.run_id)
    job = folder.read_json("job.json")
    assert job["earlier"] == first
    assert not set(job["jobs"]) & set(first)  # type: ignore[call-overload]
    cancel_run(folder.run_id)


def test_many_runs_are_told_by_one_question_and_gone_ones_are_no_trouble(
    phantom_study: StoredStudy, cluster: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slurm calls numbers that it has forgotten invalid: those jobs are gone, not unknown."""
    real = shutil.which("squeue")
    (tmp_path / "bin").mkdir()
    wrapper = tmp_path / "bin/squeue"
    wrapper.write_text(f'#!/bin/sh\necho asked >>{tmp_path}/asked\nexec {real} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setattr("vmcore.runs.slurm._FRESH_S", 600.0)
    folder = start_run(small_plan(phantom_study.folder, epochs=200))
    cancel_run(folder.run_id)
    folder.clear("cancelled")
    folder.mark("job.json", json.dumps({"launcher": "slurm", "jobs": ["999999"]}))
    before = len((tmp_path / "asked").read_text().split())
    assert {status(folder).state for _ in range(20)} == {"failed"}
    assert len((tmp_path / "asked").read_text().split()) <= before + 1


def node() -> str:
    said = subprocess.run(["sinfo", "-h", "-o", "%n"], capture_output=True, text=True, check=True)
    return said.stdout.strip()
