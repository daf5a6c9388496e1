"""What is written is its owner's alone, or a named group's to read."""

from __future__ import annotations

import grp
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from vmcore.file_modes import open_to_others

WRITE = """
import os
os.umask(0o022)  # as most systems have it
from vmcore.file_modes import keep_private
from vmcore.files import write_atomically
from vmcore.runs.locks import hold
from vmcore.settings import settings
keep_private()
store = settings().store
write_atomically(store / "studies/one/note.txt", "x")
hold(store / "a.lock")
"""
DATABASE = """
from vmcore.runs.record import RunStore
RunStore(store)
"""


def written(
    store: Path, group: str | None = None, more: str = ""
) -> tuple[set[int], set[int], str]:
    """Modes of the files and folders that a program writes to a store, and what it says."""
    named = {"VMCORE_STORE_GROUP": group} if group else {}
    done = subprocess.run(
        [sys.executable, "-c", WRITE + more], cwd=ROOT, check=True, capture_output=True, text=True,
        env=os.environ | {"VMCORE_STORE": str(store)} | named,
    )  # fmt: skip
    paths = [store, *store.rglob("*")]
    files = {path.stat().st_mode & 0o7777 for path in paths if path.is_file()}
    folders = {path.stat().st_mode & 0o7777 for path in paths if path.is_dir()}
    return files, folders, done.stderr


@pytest.mark.long
def test_a_store_is_its_owners_alone(tmp_path: Path) -> None:
    files, folders, said = written(tmp_path / "store", more=DATABASE)
    assert (files, folders) == ({0o600}, {0o700})
    assert "can be read" not in said


def test_a_named_group_may_read(tmp_path: Path) -> None:
    group = grp.getgrgid(os.getgid()).gr_name
    files, folders, _ = written(tmp_path / "store", group)
    assert files == {0o640}
    assert {mode & 0o777 for mode in folders} == {0o750}


def test_an_unknown_group_opens_nothing(tmp_path: Path) -> None:
    files, folders, said = written(tmp_path / "store", "no-such-group")
    assert files == {0o600}
    assert not any(mode & 0o077 for mode in folders)
    assert "VMCORE_STORE_GROUP" in said


@pytest.mark.parametrize("mode", [0o755, 0o705, 0o750, 0o700])
def test_a_store_that_is_open_from_earlier_is_said(tmp_path: Path, mode: int) -> None:
    store = tmp_path / "store"
    store.mkdir(mode=0o700)
    store.chmod(mode)
    assert open_to_others(store) == bool(mode & 0o007)
    assert ("can be read by every user" in written(store)[2]) == bool(mode & 0o007)


CRASH = """
import os, sys
from vmcore.file_modes import keep_private
held = b"-".join([b"held", b"in", b"memory"]) * 1000
os.chdir(sys.argv[1])
if sys.argv[2] == "private":
    keep_private()
if sys.argv[3] == "child":
    os.fork() and os._exit(os.wait()[1] & 0x7F)
os.abort()
"""


@pytest.mark.parametrize("who", ["itself", "child"])
def test_a_program_that_crashes_leaves_no_picture_of_its_memory(tmp_path: Path, who: str) -> None:
    most = resource.getrlimit(resource.RLIMIT_CORE)[1]
    left = {}
    for how in ("private", "open"):
        place = tmp_path / how
        place.mkdir()
        subprocess.run(
            [sys.executable, "-c", CRASH, place, how, who], cwd=ROOT, check=False,
            env=os.environ | {"VMCORE_STORE": str(tmp_path / "store"), "PYTHONPATH": str(ROOT)},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (most, most)),
        )  # fmt: skip
        left[how] = [file for file in place.iterdir() if b"held-in-memory" in file.read_bytes()]
    assert left["private"] == []
    if not left["open"]:
        pytest.skip("this system writes no such pictures, or elsewhere")
