"""Pretraining: gone on from any moment, on several processes, and what it draws."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from safetensors.torch import load_file

from tests.conftest import ROOT
from vmcore.models import MAE_SHAPES, MaskedAutoencoder
from vmcore.training import (
    PRETRAIN_PRESETS,
    CheckpointError,
    PretrainSettings,
    make_fabric,
    pretrain,
    reconstruct,
)
from vmcore.training.feeding import Feed

EVERY_STEP = 18  # six batches of three epochs


def started(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.training.small_pretraining", str(folder), *arguments]
    with (folder / "log.txt").open("ab") as log:
        return subprocess.Popen(
            command, cwd=ROOT, stdout=log, stderr=log, env={**os.environ, "OMP_NUM_THREADS": "1"}
        )


def finished(folder: Path, *arguments: str) -> dict[str, list[float]]:
    process = started(folder, *arguments)
    assert process.wait(timeout=300) == 0, (folder / "log.txt").read_text()[-2000:]
    report: dict[str, list[float]] = json.loads((folder / "result.json").read_text())
    return report


@pytest.fixture(scope="module")
def uninterrupted(made_once: Callable[..., Path]) -> Path:
    folder = made_once("uninterrupted-pretraining", finished)
    assert json.loads((folder / "result.json").read_text())["steps"] == EVERY_STEP
    return folder


def test_an_epoch_whose_last_step_was_done_before_keeps_its_rate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = np.random.default_rng(0).integers(0, 255, (4, 224, 224), np.uint8)
    settings = PretrainSettings(epochs=2, batch_size=4)
    pretraining = sys.modules[
        "vmcore.training.pretrain"
    ]  # the package's name of that is the function
    keep = pretraining._keep

    def killed(*arguments: object) -> None:
        keep(*arguments)
        raise KeyboardInterrupt

    def trained(checkpoint: Path) -> list[float]:
        torch.manual_seed(1)
        model = MaskedAutoencoder(MAE_SHAPES["usf-mae-tiny"])
        fabric = make_fabric("32-true", "cpu")
        history = pretrain(model, images, settings, fabric, checkpoint=checkpoint, keep_every_s=0)
        return [epoch.learning_rate for epoch in history]

    with monkeypatch.context() as patch:
        patch.setattr(pretraining, "_keep", killed)
        with pytest.raises(KeyboardInterrupt):
            trained(tmp_path / "checkpoint")
    assert trained(tmp_path / "checkpoint") == trained(tmp_path / "other")


@pytest.mark.long
def test_killed_within_an_epoch_it_ends_with_the_same_bits(
    tmp_path: Path, uninterrupted: Path
) -> None:
    process = started(tmp_path, "--die-before", "9")
    began = time.monotonic()
    while not (tmp_path / "waits").exists():
        assert time.monotonic() - began < 200
        assert process.poll() is None, (tmp_path / "log.txt").read_text()[-2000:]
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    report = finished(tmp_path)
    # batches 6 to 8 belonged to the second epoch, whose first one was kept
    assert report["steps"] == EVERY_STEP - 7
    assert report["loss"] == json.loads((uninterrupted / "result.json").read_text())["loss"]
    first, second = (load_file(one / "weights.safetensors") for one in (tmp_path, uninterrupted))
    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.long
def test_two_processes_give_the_loss_of_one(tmp_path: Path, uninterrupted: Path) -> None:
    two = finished(tmp_path, "--processes", "2")
    one = json.loads((uninterrupted / "result.json").read_text())
    assert two["loss"] == pytest.approx(one["loss"], abs=1e-4)


@pytest.mark.long
def test_a_checkpoint_of_other_settings_or_cut_is_refused(
    tmp_path: Path, uninterrupted: Path
) -> None:
    from tests.training.small_pretraining import run

    whole = (uninterrupted / "checkpoint.safetensors").read_bytes()
    kept = tmp_path / "checkpoint.safetensors"
    kept.write_bytes(whole)
    with pytest.raises(CheckpointError, match="other settings"):
        run(tmp_path, learning_rate=1e-4)
    kept.write_bytes(whole[: len(whole) // 3])
    with pytest.raises(CheckpointError, match="damaged"):
        run(tmp_path)
    assert kept.stat().st_size == len(whole) // 3


class Corpus:
    """Images that are read from elsewhere, by any thread but the one that trains."""

    digest = "known"

    def __init__(self, images: npt.NDArray[np.uint8]) -> None:
        self.images, self.readers = images, set[int]()

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        self.readers.add(threading.get_ident())
        return self.images[rows]


def test_batches_are_read_ahead_in_their_order() -> None:
    images = np.random.default_rng(0).integers(0, 255, (9, 224, 224), np.uint8)
    corpus = Corpus(images)
    asked = [np.array([8, 1]), np.array([3]), np.array([0, 5, 5]), np.array([2]), np.array([7])]
    fed = list(Feed(corpus, torch.device("cpu"))(asked))
    for rows, batch in zip(asked, fed, strict=True):
        assert np.array_equal(batch[:, 0].numpy(), images[rows])
    assert threading.get_ident() not in corpus.readers


def test_a_fault_in_reading_reaches_whoever_trains() -> None:
    class Broken(Corpus):
        def __getitem__(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
            if 3 in rows:
                raise ValueError("Shard 3 is cut short.")
            return super().__getitem__(rows)

    corpus = Broken(np.zeros((5, 224, 224), np.uint8))
    model = MaskedAutoencoder(MAE_SHAPES["usf-mae-tiny"])
    with pytest.raises(ValueError, match="cut short"):
        pretrain(
            model, corpus, PretrainSettings(epochs=1, batch_size=2), make_fabric("32-true", "cpu")
        )
    with pytest.raises(ValueError, match="no images"):
        pretrain(model, corpus.images[:0], PretrainSettings(), make_fabric("32-true", "cpu"))


@pytest.mark.parametrize("normalise", [False, True])
def test_a_perfect_network_draws_the_very_image(
    monkeypatch: pytest.MonkeyPatch, *, normalise: bool
) -> None:
    images = np.random.default_rng(2).integers(0, 255, (2, 224, 224), np.uint8)
    model = MaskedAutoencoder(MAE_SHAPES["usf-mae-tiny"], normalise_patches=normalise)
    real = MaskedAutoencoder.forward

    def perfect(self: MaskedAutoencoder, inputs: torch.Tensor, *rest: object) -> object:
        _, _, mask = real(self, inputs, *rest)  # type: ignore[arg-type]
        return None, self.target(inputs), mask

    monkeypatch.setattr(MaskedAutoencoder, "forward", perfect)
    shown = reconstruct(model, images, 0.25)
    assert np.abs(shown.reconstructed.astype(int) - images).max() <= 1
    hidden = (shown.masked == 96).reshape(2, 14, 16, 14, 16).all((2, 4))
    assert (hidden.sum((1, 2)) == 49).all()  # 25 of 100 patches
    seen = np.repeat(np.repeat(~hidden, 16, 1), 16, 2)
    assert np.array_equal(shown.masked[seen], images[seen])


def test_only_hidden_patches_are_the_networks() -> None:
    images = np.random.default_rng(2).integers(0, 255, (2, 224, 224), np.uint8)
    model = MaskedAutoencoder(MAE_SHAPES["usf-mae-tiny"]).train()
    shown = reconstruct(model, images, 0.5, seed=3)
    assert model.training
    seen = shown.masked != 96
    assert np.abs(shown.reconstructed[seen].astype(int) - images[seen]).max() <= 1
    again = reconstruct(model, images, 0.5, seed=3)
    assert np.array_equal(shown.masked, again.masked)


def test_presets_are_what_the_public_code_goes_through() -> None:
    public = {
        (s.learning_rate, s.weight_decay)
        for s in PRETRAIN_PRESETS.values()
        if (s.batch_size, s.epochs, s.mask_ratio, s.floor, s.seed) == (64, 100, 0.25, 1e-5, 42)
    }
    assert public >= {(1.5e-4, 0.01), (1.5e-4, 0.05), (5e-4, 0.01), (5e-4, 0.05)}
