"""A pretraining with real processes: what it keeps, killed and gone on with, stopped, deleted, refused."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import tyro
from pydantic import ValidationError
from safetensors.torch import load_file

from tests.runs.support import pretraining, wait_for, wait_until
from tests.runs.test_runs import end
from train.pretrain import PretrainArguments
from vmcore.data import ManifestError, StoredStudy, reject
from vmcore.models import MAE_SHAPES, MaskedAutoencoder
from vmcore.runs import (
    HeldOut,
    RunError,
    RunFolder,
    all_runs,
    cancel_run,
    delete_run,
    delete_study,
    estimate_seconds,
    open_store,
    prepare_here,
    promote,
    reconstructions,
    resume_run,
    reviewable,
    start_run,
    status,
)
from vmcore.runs.unlabelled import unlabelled_images
from vmcore.settings import settings
from vmcore.training import PRETRAIN_PRESETS


def test_it_keeps_weights_pictures_curves_and_what_it_has_seen(
    pretrained: RunFolder, phantom_study: StoredStudy
) -> None:
    stands = status(pretrained)
    assert (stands.state, stands.epochs, stands.progress) == ("finished", (2,), 1.0)
    store = open_store(settings().store)
    (run,) = store.summaries()
    assert (run["status"], run["kind"]) == ("FINISHED", "pretrain")
    assert run["params"]["mask_ratio"] == "0.25"
    noted = store.client.get_metric_history(pretrained.run_id, "images_per_s")
    assert [one.step for one in noted] == [0, 1]
    expected = [one.images_per_s for one in pretrained.pretrain_history()]
    assert [one.value for one in noted] == pytest.approx(expected)
    assert store.artifact(pretrained.run_id, "weights.safetensors").is_file()
    assert not (pretrained.path / "checkpoint.safetensors").exists()
    pictures = reconstructions(pretrained)
    assert list(pictures) == [0, 1, 2]
    assert pictures[0].read_bytes() != pictures[2].read_bytes()
    test = HeldOut(study=phantom_study.folder).splits(phantom_study).test
    identities = phantom_study.identities()
    seen = set(range(len(identities))) - set(test.tolist())
    learnt = frozenset().union(*(identities[row] for row in seen))
    assert set((pretrained.path / "learnt.txt").read_text().split()) == learnt


def test_its_weights_are_a_flat_state_dict_with_the_public_keys(pretrained: RunFolder) -> None:
    public = torch.load(pretrained.public_weights("usf-mae-tiny"), weights_only=True)
    assert list(public) == list(MaskedAutoencoder(MAE_SHAPES["usf-mae-tiny"]).state_dict())
    safe = load_file(pretrained.pretrained)
    assert all(torch.equal(safe[key], value) for key, value in public.items())


def test_its_pictures_show_prepared_pixels(
    pretrained: RunFolder, phantom_study: StoredStudy
) -> None:
    every = phantom_study.images().transpose(0, 2, 3, 1)
    grey = np.stack([cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in every])
    picture = cv2.imread(str(reconstructions(pretrained)[0]), cv2.IMREAD_GRAYSCALE)
    assert picture.shape == (3 * 228, 6 * 228)
    for column in range(6):
        shown = picture[:224, 228 * column : 228 * column + 224]
        assert (grey == shown).all(axis=(1, 2)).any()


@pytest.mark.long
def test_a_killed_pretraining_ends_with_the_same_weights_as_one_that_was_not(
    phantom_study: StoredStudy, pretrained: RunFolder, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VMCORE_STORE", str(store))
    settings.cache_clear()
    folder = start_run(pretraining(phantom_study.folder))
    wait_until(folder, lambda stands: stands.epochs[0] >= 1)
    end(folder)
    stands = wait_for(folder, "failed", "finished")
    assert stands.state == "failed"
    assert "killed" in stands.reason
    resume_run(folder.run_id)
    assert wait_for(folder, "finished", "failed").state == "finished", folder.tail()
    mine, theirs = load_file(folder.pretrained), load_file(pretrained.pretrained)
    assert all(torch.equal(mine[key], theirs[key]) for key in theirs)
    assert [one.epoch for one in folder.pretrain_history()] == [0, 1]
    learnt = [(one.path / "learnt.txt").read_text() for one in (folder, pretrained)]
    assert learnt[0] == learnt[1]


@pytest.mark.long
def test_it_is_stopped_guards_its_study_and_notices_changed_images(
    phantom_study: StoredStudy, store: Path
) -> None:
    study = store / "studies/clinic"
    shutil.copytree(phantom_study.folder, study)
    folder = start_run(pretraining(study, epochs=40, batch_size=1))
    stands = wait_until(folder, lambda stands: any(stands.under_way))
    assert stands.progress > sum(stands.epochs) / 40
    assert stands.remaining_s is not None
    with pytest.raises(RunError, match="still going"):
        delete_run(folder.run_id)
    with pytest.raises(RunError, match="works on this study"):
        delete_study(study)
    with pytest.raises(RunError, match="works on this study"):
        prepare_here(phantom_study.originals, "clinic")
    cancel_run(folder.run_id)
    assert status(folder).state == "cancelled"
    assert open_store(store).summaries()[0]["status"] == "KILLED"
    reject(study, [phantom_study.table["path"][0]])
    resume_run(folder.run_id)
    stands = wait_for(folder, "failed", "finished")
    assert "images have changed" in stands.reason


def test_it_is_deleted_for_good(pretrained_copy: RunFolder, store: Path) -> None:
    assert len(list(store.rglob("*.safetensors"))) == 2  # the run's and the run store's
    delete_run(pretrained_copy.run_id)
    assert all_runs() == []
    kept = {".safetensors", ".pth", ".png"}
    assert not [path for path in store.rglob("*") if path.suffix in kept]


def test_without_a_bundle_it_is_neither_reviewed_nor_promoted(pretrained: RunFolder) -> None:
    assert pretrained.run_id not in {model.key for model in reviewable()}
    with pytest.raises(RunError, match="has no bundle"):
        promote(pretrained.run_id, why="by mistake")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"weights": "/nowhere/file.pth"}, "no weights file"),
        ({"weights": "run:none"}, "no finished run"),
        ({"studies": ()}, "at least one study"),
        ({"studies": (Path("/nowhere"),)}, "not a prepared study"),
        ({"corpora": (Path("/nowhere"),)}, "nowhere: "),
        ({"architecture": "vit-b16"}, "no masked autoencoder is called"),
        ({"leave_out_test_of": 15}, "pretrain on all of its images"),
    ],
)
def test_what_cannot_be_pretrained_is_refused_before_anything_is_written(
    phantom_study: StoredStudy, store: Path, change: dict[str, object], words: str
) -> None:
    given = dict(change)
    places = given.pop("studies", (phantom_study.folder,))
    if folds := given.get("leave_out_test_of"):
        given["leave_out_test_of"] = (HeldOut(study=phantom_study.folder, folds=folds),)
    with pytest.raises((RunError, ManifestError, ValidationError), match=words):
        start_run(pretraining(*places, **given))
    assert not (store / "runs").exists()


@pytest.mark.long
def test_its_time_is_estimated_from_a_trial(phantom_study: StoredStudy) -> None:
    short = estimate_seconds(pretraining(phantom_study.folder), steps=1)
    long = estimate_seconds(pretraining(phantom_study.folder, epochs=20), steps=1)
    images = unlabelled_images(pretraining(phantom_study.folder))
    assert 0 < short < long
    assert 1e-4 < short / (2 * len(images)) < 10  # seconds an image


def test_the_command_line_makes_the_presets_plan(store: Path) -> None:
    words = ["--studies", "a", "b", "--corpora", "c", "--preset", "mae", "--mask-ratio", "0.6"]
    told = tyro.cli(PretrainArguments, args=words).plan()
    assert told.settings == PRETRAIN_PRESETS["mae"].model_copy(update={"mask_ratio": 0.6})
    assert [held.study.name for held in told.held_out] == ["a", "b"]
    assert told.corpora == (store / "corpora/c",)
    seen = tyro.cli(PretrainArguments, args=["--studies", "a", "--see-test-images"]).plan()
    assert seen.held_out == ()


@pytest.mark.long
def test_a_full_disk_fails_it_and_keeps_the_last_whole_checkpoint(
    phantom_study: StoredStudy, store: Path
) -> None:
    """Runs lie on a file system that holds two checkpoints less a little."""
    place = store / "runs"
    place.mkdir(parents=True)
    mounted = ["mount", "-t", "tmpfs", "-o", "size=220m", "tmpfs", str(place)]
    if subprocess.run(mounted, check=False).returncode:
        pytest.skip("file systems cannot be mounted here (root is needed)")
    try:
        folder = start_run(pretraining(phantom_study.folder, epochs=60))
        wait_until(folder, lambda stands: stands.epochs[0] >= 1)
        size = (folder.path / "checkpoint.safetensors").stat().st_size
        with contextlib.suppress(OSError):  # full already, while a checkpoint is written
            (place / "others").write_bytes(bytes(220 * 2**20 - size - size // 2))
        stands = wait_for(folder, "failed", "finished")
        assert "disk is full" in stands.reason
        (place / "others").unlink()
        resume_run(folder.run_id)
        wait_until(folder, lambda now: now.epochs[0] > stands.epochs[0])
        cancel_run(folder.run_id)
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)
