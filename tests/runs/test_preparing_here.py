"""One process at a time prepares a study, whether a terminal or the training page asks for it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.conftest import ROOT
from vmcore.data import ManifestError, load_study, prepare_study
from vmcore.runs import (
    RunError,
    all_studies,
    continue_preparing,
    delete_study,
    prepare_here,
    start_preparing,
    stop_preparing,
    studies_folder,
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Class folders with 30 grey pictures."""
    for number in range(30):
        folder = tmp_path / "scans" / ("vm" if number % 2 else "normal") / f"p{number}"
        folder.mkdir(parents=True)
        assert cv2.imwrite(str(folder / "1.png"), np.full((48, 64), 60 + 5 * number, np.uint8))
    return tmp_path / "scans"


def command(source: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "train.prepare", str(source), "clinic", "--workers", "1", *more],
        cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


@contextmanager
def held_up(process: subprocess.Popen[str]) -> Iterator[None]:
    """A process that has begun to prepare, standing still meanwhile."""
    begun = (
        studies_folder() / "clinic/source.json"
    )  # written once nobody has to wait for it any more
    while not begun.is_file() and process.poll() is None:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


@pytest.mark.long
def test_two_processes_do_not_prepare_one_study_at_once(source: Path, store: Path) -> None:
    with command(source) as first, held_up(first):
        (stands,) = all_studies()
        assert stands.state == "preparing"
        said = {path: path.read_bytes() for path in stands.folder.rglob("*.json")}
        with command(source, "--leave-out", "normal") as second:
            sentence = second.communicate()[1].splitlines()[-1]
        assert second.returncode == 1
        assert sentence == "clinic is being prepared already; wait for it, or stop it first."
        with pytest.raises(RunError, match="being prepared already"):
            start_preparing(source, "clinic", again=True)
        with pytest.raises(RunError, match="nothing to go on with"):
            continue_preparing(stands.folder)
        with pytest.raises(RunError, match="stop it first"):
            delete_study(stands.folder)
        assert {path: path.read_bytes() for path in stands.folder.rglob("*.json")} == said
        os.kill(first.pid, signal.SIGCONT)
        told, trouble = first.communicate()
    assert first.returncode == 0, trouble
    assert "Prepared in" in told
    alone = prepare_study(source, store / "alone", workers=1)
    assert load_study(stands.folder).digest == alone.digest
    assert [one.state for one in all_studies()] == ["ready"]


def test_what_the_page_prepares_no_terminal_touches(source: Path, store: Path) -> None:
    folder = start_preparing(source, "clinic")
    job = json.loads((folder / "job.json").read_text())
    os.kill(job["pid"], signal.SIGSTOP)
    try:
        with pytest.raises(RunError, match="being prepared already"):
            prepare_here(source, "clinic", workers=1)
    finally:
        os.kill(job["pid"], signal.SIGCONT)
    stop_preparing(folder)
    assert prepare_here(source, "clinic", workers=1).folder == folder


@pytest.mark.long
def test_the_page_stops_what_a_terminal_prepares(source: Path, store: Path) -> None:
    told: list[int] = []

    def stopped_from_elsewhere(done: int, total: int) -> None:
        told.append(done)
        if done == 2:
            (study,) = all_studies()
            assert study.state == "preparing"
            stop_preparing(study.folder)

    with pytest.raises(RunError, match="told to stop"):
        prepare_here(source, "clinic", workers=1, progress=stopped_from_elsewhere)
    assert told == [1, 2]
    (study,) = all_studies()
    assert study.state == "stopped"
    prepare_here(source, "clinic", workers=1, progress=lambda *_: None)
    assert [one.state for one in all_studies()] == ["ready"]


def test_a_name_that_leads_elsewhere_is_refused(source: Path, store: Path) -> None:
    with pytest.raises(RunError, match="A study's name"):
        prepare_here(source, "../elsewhere")
    assert not (store / "elsewhere").exists()


def test_originals_that_would_be_deleted_are_refused(source: Path, store: Path) -> None:
    own = studies_folder() / "clinic/originals"
    own.parent.mkdir(parents=True)
    source.rename(own)
    with pytest.raises(RunError, match="deleted once the study is ready: move the images"):
        prepare_here(own, "clinic")
    assert len(list(own.rglob("*.png"))) == 30


def test_why_a_terminal_could_not_prepare_it_is_said_on_the_page(source: Path, store: Path) -> None:
    for picture in source.rglob("*.png"):
        picture.write_bytes(picture.read_bytes()[:40])
    with pytest.raises(ManifestError) as told:
        prepare_here(source, "clinic", workers=1)
    (study,) = all_studies()
    assert (study.state, study.reason) == ("failed", str(told.value))
