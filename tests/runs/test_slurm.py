"""Runs on a real Slurm controller: an array of folds, cancelling, a node that fails."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runs.slurm_cluster import slurm_cluster, why_not
from tests.runs.support import small_plan, wait_for, wait_until
from vmcore.data import StoredStudy
from vmcore.runs import RunError, all_runs, cancel_run, resume_run, start_run, status
from vmcore.settings import settings

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "Slurm is there")


@pytest.fixture
def cluster(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[subprocess.Popen[str]]]:
    monkeypatch.setenv("VMCORE_LAUNCHER", "slurm")
    monkeypatch.setenv("VMCORE_SLURM_GPUS", "0")
    monkeypatch.setenv("VMCORE_SLURM_CPUS", "1")
    monkeypatch.setenv("VMCORE_SLURM_PARTITION", "short")
    settings.cache_clear()
    with slurm_cluster(tmp_path / "slurm", monkeypatch) as daemons:
        yield daemons


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


def node() -> str:
    said = subprocess.run(["sinfo", "-h", "-o", "%n"], capture_output=True, text=True, check=True)
    return said.stdout.strip()
