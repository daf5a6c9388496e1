"""Several hosts on one store: who lives is told across hosts, and one at a time decides."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.conftest import ROOT
from tests.runs.other_host import elsewhere, end, first_line, told_elsewhere, why_not
from tests.runs.support import draw_study, small_plan, wait_for, wait_until
from vmcore.data import StoredStudy
from vmcore.runs import (
    RunError,
    RunFolder,
    all_studies,
    cancel_run,
    continue_preparing,
    delete_run,
    resume_run,
    start_preparing,
    start_run,
    status,
    stop_preparing,
)
from vmcore.runs.devices import claim_device
from vmcore.runs.machine import machine_id
from vmcore.settings import settings

needs_hosts = pytest.mark.skipif(bool(why_not()), reason=why_not() or "two hosts can be played")
_STATUS = (
    "stands = status(find_run(sys.argv[1])); print(stands.state, '·', stands.reason, flush=True)"
)
_TRY = (
    "try: {}(sys.argv[1]); print('done', flush=True)\n"
    "except RunError as error: print(error, flush=True)\n"
)


@pytest.fixture
def here(store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This host has a name."""
    monkeypatch.setenv("VMCORE_HOST", "first")
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture
def long_run(here: None, phantom_study: StoredStudy) -> Iterator[RunFolder]:
    """A run that works, on the host "first"."""
    folder = start_run(small_plan(phantom_study.folder, epochs=200))
    wait_until(folder, lambda stands: stands.epochs[0] >= 1)
    yield folder
    for process in workers(folder):
        process.kill()


def workers(folder: RunFolder) -> list[psutil.Process]:
    """Every process that works at a run, on all hosts that are played."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        line = process.info["cmdline"] or []
        if "vmcore.runs.worker" in line and str(folder.path) in line:
            found.append(process)
    return found


@pytest.mark.long
@needs_hosts
def test_another_host_tells_a_living_run_from_one_that_is_gone(long_run: RunFolder) -> None:
    changes = [_TRY.format(change) for change in ("resume_run", "delete_run")]
    other = elsewhere("\n".join([_STATUS, *changes, "input()", _STATUS]), long_run.run_id)
    try:
        assert first_line(other).startswith("running")
        for _ in changes:
            said = first_line(other)
            assert "running" in said or "still going" in said
        (worker,) = workers(long_run)
        worker.kill()
        wait_for(long_run, "failed")
        told, trouble = other.communicate("\n")
        assert told.startswith("failed"), trouble
    finally:
        end(other)


@pytest.mark.long
@needs_hosts
def test_a_run_is_stopped_from_another_host_which_is_told_where_it_works(
    long_run: RunFolder,
) -> None:
    (worker,) = workers(long_run)
    worker.suspend()  # so that it cannot stop before the other host has looked
    said = told_elsewhere("cancel_run(sys.argv[1])\n" + _STATUS, long_run.run_id)
    assert said.startswith("running · ")
    assert "told to stop" in said
    assert "the host first" in said
    with pytest.raises(RunError, match="told to stop"):
        resume_run(long_run.run_id)  # or two workers would be at it
    worker.resume()
    wait_for(long_run, "cancelled")
    assert not workers(long_run)


@pytest.mark.long
@needs_hosts
def test_a_run_that_was_resumed_on_another_host_is_seen_and_stopped_here(
    long_run: RunFolder,
) -> None:
    cancel_run(long_run.run_id)
    before = status(long_run).epochs[0]
    other = elsewhere(_TRY.format("resume_run") + "input()", long_run.run_id)
    try:
        assert first_line(other) == "done"
        assert status(long_run).state in {"pending", "running"}
        wait_until(long_run, lambda stands: stands.epochs[0] > before)
        with pytest.raises(RunError, match="nothing to resume"):
            resume_run(long_run.run_id)
        cancel_run(long_run.run_id)
        wait_for(long_run, "cancelled")
    finally:
        end(other)


@pytest.mark.long
@needs_hosts
def test_a_host_that_goes_down_takes_its_runs_with_it(long_run: RunFolder) -> None:
    cancel_run(long_run.run_id)
    other = elsewhere(_TRY.format("resume_run") + "input()", long_run.run_id)
    assert first_line(other) == "done"
    end(other)
    assert wait_for(long_run, "failed").reason


@pytest.mark.long
def test_of_two_who_resume_at_the_same_time_one_does(long_run: RunFolder) -> None:
    cancel_run(long_run.run_id)
    code = "import sys; from vmcore.runs import RunError, resume_run; input()\n" + _TRY.format(
        "resume_run"
    )
    people = [
        subprocess.Popen(
            [sys.executable, "-c", code, long_run.run_id], cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for _ in range(4)
    ]  # fmt: skip
    for person in people:
        assert person.stdin
        person.stdin.write("\n")
        person.stdin.flush()
    said = [person.communicate()[0].strip() for person in people]
    assert said.count("done") == 1, said
    assert all("nothing to resume" in words for words in said if words != "done"), said
    assert len(workers(long_run)) == 1


@pytest.mark.long
def test_a_run_that_was_deleted_meanwhile_is_not_stopped_or_resumed(long_run: RunFolder) -> None:
    cancel_run(long_run.run_id)
    delete_run(long_run.run_id)
    for change in (resume_run, cancel_run, delete_run):
        with pytest.raises(RunError, match="no such run"):
            change(long_run.run_id)
    assert not list(long_run.path.parent.glob(f"*{long_run.run_id}*"))


_CLAIM = (
    "from vmcore.runs.devices import claim_device\n"
    "with claim_device(Path(sys.argv[1]), names=['cpu']) as name: print(name, flush=True); input()"
)


def tickets(folder: Path, count: int) -> None:
    """Wait until so many stand in line."""
    ends = time.monotonic() + 240
    while len(list(folder.glob("*.ticket"))) != count:
        assert time.monotonic() < ends, list(folder.iterdir())
        time.sleep(0.1)


@pytest.mark.long
@needs_hosts
def test_containers_of_one_machine_stand_in_one_line(tmp_path: Path) -> None:
    """Both have a process 1, which says nothing of who waits."""
    folder = tmp_path / "devices"
    holder = elsewhere(_CLAIM, folder)
    assert first_line(holder) == "cpu"
    second, third = (elsewhere(_CLAIM, folder, host=name) for name in ("second", "third"))
    try:
        tickets(folder, 2)
        looks = iter(range(10))
        with claim_device(folder, names=["cpu"], stop=lambda: next(looks, None) is None) as name:
            assert name is None  # it waits its turn …
        tickets(folder, 2)  # … and has thrown nobody out of the line
        end(second)
        end(holder)
        assert first_line(third) == "cpu"  # who went down while it waited holds up nobody
    finally:
        for process in (holder, second, third):
            end(process)
    with claim_device(folder, names=["cpu"]) as name:
        assert name == "cpu"
    assert not list(folder.glob("*.ticket"))


@pytest.mark.long
@needs_hosts
def test_a_machine_is_its_kernel_whatever_it_is_called(tmp_path: Path) -> None:
    said = told_elsewhere("from vmcore.runs.machine import machine_id; print(machine_id())")
    assert said == machine_id()
    (tmp_path / "boot").write_text("another kernel\n")
    assert machine_id(tmp_path / "boot") != said


@pytest.mark.long
@needs_hosts
def test_a_study_in_preparation_is_seen_and_stopped_from_another_host(
    here: None, tmp_path: Path
) -> None:
    (tmp_path / "source/images").mkdir(parents=True)
    source = draw_study(tmp_path / "source", subjects=40)
    folder = start_preparing(source, "large")
    job = psutil.Process(json.loads((folder / "job.json").read_text())["pid"])
    job.suspend()
    code = (
        "one, = all_studies(); print(one.state)\n"
        "try: continue_preparing(one.folder)\n"
        "except RunError as error: print(error)\n"
        "stop_preparing(one.folder); one, = all_studies(); print(one.state, one.reason)"
    )
    first, second, third = told_elsewhere(code).splitlines()
    assert first == "preparing"
    assert "nothing to go on with" in second
    assert third.startswith("preparing ")
    assert "the host first" in third
    os.kill(job.pid, signal.SIGCONT)
    job.wait(240)
    (study,) = all_studies()
    assert study.state == "stopped"
    continue_preparing(folder)
    stop_preparing(folder)
    (study,) = all_studies()
    assert study.state in {"stopped", "ready"}
