"""A training that was killed goes on and ends where an uninterrupted one ends; so do two processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.conftest import ROOT
from vmcore.training import CheckpointError

SCRIPT = [sys.executable, "-m", "tests.training.small_training"]


def train(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with (folder / "log.txt").open("ab") as log:
        return subprocess.Popen(
            [*SCRIPT, str(folder), *arguments], cwd=ROOT, stdout=log, stderr=log, env=environment
        )


def finish(folder: Path, *arguments: str) -> dict[str, object]:
    process = train(folder, *arguments)
    assert process.wait(timeout=200) == 0, (folder / "log.txt").read_text()[-2000:]
    return json.loads((folder / "result.json").read_text())


@pytest.fixture(scope="module")
def uninterrupted(made_once: Callable[..., Path]) -> Path:
    return made_once("uninterrupted-training", finish)


def same(one: Path, other: Path) -> bool:
    first, second = (load_file(folder / "best.safetensors") for folder in (one, other))
    return all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.long
@pytest.mark.parametrize("phase", ["epoch", "writing"])
def test_a_killed_training_ends_with_the_same_weights(
    tmp_path: Path, uninterrupted: Path, phase: str
) -> None:
    process = train(tmp_path, "--dawdle", phase)
    waited = time.monotonic()
    while not (tmp_path / f"in-{phase}").exists():
        assert time.monotonic() - waited < 100
        assert process.poll() is None, (tmp_path / "log.txt").read_text()[-2000:]
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "result.json").exists()
    result = finish(tmp_path)
    assert 0 < result["epochs_run"] < 4
    assert same(tmp_path, uninterrupted)


@pytest.mark.long
def test_a_checkpoint_cut_in_half_is_refused_and_left_where_it_is(
    tmp_path: Path, uninterrupted: Path
) -> None:
    from tests.training.small_training import run

    whole = (uninterrupted / "checkpoint.safetensors").read_bytes()
    (tmp_path / "checkpoint.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match="damaged"):
        run(tmp_path)
    assert (tmp_path / "checkpoint.safetensors").stat().st_size == len(whole) // 2


@pytest.mark.long
def test_a_checkpoint_of_other_settings_is_refused(tmp_path: Path, uninterrupted: Path) -> None:
    from tests.training.small_training import run

    whole = (uninterrupted / "checkpoint.safetensors").read_bytes()
    (tmp_path / "checkpoint.safetensors").write_bytes(whole)
    with pytest.raises(CheckpointError, match="other settings"):
        run(tmp_path, learning_rate=1e-4)


@pytest.mark.long
def test_two_processes_give_the_loss_of_one(tmp_path: Path, uninterrupted: Path) -> None:
    two = finish(tmp_path, "--processes", "2")
    one = json.loads((uninterrupted / "result.json").read_text())
    assert two["train_loss"] == pytest.approx(one["train_loss"], abs=1e-4)
    assert two["validation_loss"] == pytest.approx(one["validation_loss"], abs=1e-4)
