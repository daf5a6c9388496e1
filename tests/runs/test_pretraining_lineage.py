"""What a pretraining sees and does not see, and what may start from it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.data.corpus.drawn import random_images, write_corpus
from tests.runs.support import finished_run, kept_run, pretraining, small_plan
from vmcore.data import StoredStudy
from vmcore.data.corpus import Corpus, CorpusSource, prepare_corpus
from vmcore.models import MAE_SHAPES, MaskedAutoencoder, create_classifier, load_card
from vmcore.runs import (
    HeldOut,
    RunError,
    RunFolder,
    SeenError,
    open_store,
    start_run,
    validated_unlabelled,
)
from vmcore.runs.lineage import find_starts
from vmcore.runs.pretraining_start import learnt_before, starting_autoencoder
from vmcore.runs.unlabelled import unlabelled_images
from vmcore.runs.weights import starting_model
from vmcore.settings import settings


@pytest.fixture(scope="module")
def corpus(phantom_study: StoredStudy, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """The phantom study's own originals as a corpus."""
    source = CorpusSource(phantom_study.originals)
    return prepare_corpus([source], tmp_path_factory.mktemp("corpus") / "scans", workers=1)


def grey(study: StoredStudy, rows: list[int]) -> list[np.ndarray]:
    images = study.images().transpose(0, 2, 3, 1)
    return [cv2.cvtColor(images[row], cv2.COLOR_RGB2GRAY) for row in rows]


def test_every_fold_starts_from_its_encoder_with_the_test_unseen(
    pretrained: RunFolder, phantom_study: StoredStudy
) -> None:
    plan = small_plan(phantom_study.folder, weights=f"run:{pretrained.run_id}", folds=5)
    splits = plan.splits(phantom_study)
    starts = find_starts(plan, phantom_study, splits)
    validated = [len(fold.validation) for fold in splits.folds]
    assert [(start.tested, start.seen) for start in starts] == [(0, n) for n in validated]
    assert validated_unlabelled(plan) == sum(validated)
    encoder = load_file(pretrained.pretrained)
    for start in starts[::4]:
        state = starting_model(plan, start).state_dict()
        common = [key for key in state if key in encoder]
        assert "blocks.11.mlp.fc2.weight" in common
        assert all(torch.equal(state[key], encoder[key]) for key in common)


def test_fine_tuning_is_refused_where_the_pretraining_saw_the_test(
    pretrained: RunFolder, phantom_study: StoredStudy
) -> None:
    weights = f"run:{pretrained.run_id}"
    plan = small_plan(phantom_study.folder, weights=weights, folds=5, split_seed=3)
    unseen = set(HeldOut(study=phantom_study.folder).splits(phantom_study).test.tolist())
    seen = set(plan.splits(phantom_study).test.tolist()) - unseen
    assert seen
    with pytest.raises(SeenError, match=f"Pretraining .* has seen {len(seen)} of the images"):
        start_run(plan)


@pytest.mark.long
def test_a_fine_tuned_model_says_what_its_encoder_has_seen(
    pretrained_copy: RunFolder, phantom_study: StoredStudy
) -> None:
    weights = f"run:{pretrained_copy.run_id}"
    plan = small_plan(phantom_study.folder, weights=weights, split_seed=3, accept_seen=True)
    run = finished_run(plan)
    card = load_card(open_store(settings().store).artifact(run.run_id, "bundle"))
    unseen = set(HeldOut(study=phantom_study.folder).splits(phantom_study).test.tolist())
    seen = set(range(len(phantom_study.table))) - unseen
    test = set(plan.splits(phantom_study).test.tolist())
    (said,) = (limit for limit in card.limits if "encoder" in limit)
    assert f"on {len(seen - test)} of the images that it is validated on, without their" in said
    assert f"on {len(seen & test)} of the {len(test)} test images, which was accepted" in said


def test_a_pretraining_goes_on_from_a_former_one_and_remembers_its_images(
    pretrained: RunFolder, phantom_study: StoredStudy
) -> None:
    plan = pretraining(phantom_study.folder, weights=f"run:{pretrained.run_id}")
    model, former = starting_autoencoder(plan), load_file(pretrained.pretrained)
    assert all(torch.equal(value, former[key]) for key, value in model.state_dict().items())
    assert learnt_before(plan) == unlabelled_images(plan).learnt()
    other = HeldOut(study=phantom_study.folder, split_seed=3)
    with pytest.raises(SeenError, match="test images that are to stay unseen"):
        start_run(plan.model_copy(update={"leave_out_test_of": (other,)}))


def test_a_cross_validations_weights_lack_a_decoder_and_are_refused(
    phantom_study: StoredStudy, store: Path
) -> None:
    run = kept_run(small_plan(phantom_study.folder))
    with pytest.raises(RunError, match="this run is a cross-validation"):
        start_run(pretraining(phantom_study.folder, weights=f"run:{run.run_id}"))


def test_an_encoder_alone_is_taken_with_a_fresh_decoder(
    phantom_study: StoredStudy, tmp_path: Path
) -> None:
    whole = MaskedAutoencoder(MAE_SHAPES["usf-mae-tiny"]).state_dict()
    encoder = {k: v for k, v in whole.items() if "decoder" not in k and k != "mask_token"}
    torch.save({"model": encoder}, tmp_path / "mae_pretrain.pth")
    plan = pretraining(phantom_study.folder, weights=str(tmp_path / "mae_pretrain.pth"))
    state = starting_autoencoder(plan).state_dict()
    assert all(torch.equal(state[key], value) for key, value in encoder.items())
    classifier = create_classifier("usf-mae-tiny").state_dict()
    torch.save(classifier, tmp_path / "classifier.pth")
    other = plan.model_copy(update={"weights": str(tmp_path / "classifier.pth")})
    taken = starting_autoencoder(other).state_dict()
    assert torch.equal(taken["blocks.0.attn.qkv.weight"], classifier["blocks.0.attn.qkv.weight"])
    torch.save(create_classifier("resnet50").state_dict(), tmp_path / "wrong.pth")
    wrong = plan.model_copy(update={"weights": str(tmp_path / "wrong.pth")})
    with pytest.raises(RunError, match="no vision transformer's"):
        starting_autoencoder(wrong)


def test_test_images_are_left_out_of_every_source_that_holds_them(
    phantom_study: StoredStudy, tmp_path: Path
) -> None:
    """The same scans under another name stay unseen, too, though that study is not split itself."""
    shutil.copytree(phantom_study.folder, tmp_path / "again")
    held = HeldOut(study=phantom_study.folder, split_seed=2)
    plan = pretraining(tmp_path / "again", leave_out_test_of=(held,))
    images = unlabelled_images(plan)
    test = held.splits(phantom_study).test
    kept = np.setdiff1d(np.arange(len(phantom_study.table)), test).tolist()
    assert (len(images), images.left_out) == (len(kept), len(test))
    rows = [5, 0, 5, 11]
    for got, expected in zip(
        images[np.array(rows)], grey(phantom_study, [kept[row] for row in rows]), strict=True
    ):
        assert np.array_equal(got, expected)
    everything = unlabelled_images(plan.model_copy(update={"leave_out_test_of": ()}))
    assert (len(everything), everything.left_out) == (len(phantom_study.table), 0)
    assert everything.digest != images.digest


def test_a_corpus_is_learnt_from_without_the_test_images_that_it_holds(
    phantom_study: StoredStudy, corpus: Corpus
) -> None:
    held = HeldOut(study=phantom_study.folder)
    plan = pretraining(corpora=(corpus.folder,), leave_out_test_of=(held,))
    images = unlabelled_images(plan)
    test = held.splits(phantom_study).test
    assert images.left_out == len(test)
    tested = grey(phantom_study, test.tolist())
    shown = images[np.arange(len(images))]
    assert not any((shown == one).all(axis=(1, 2)).any() for one in tested)
    rest = corpus[np.arange(len(corpus))]
    assert all((rest == one).all(axis=(1, 2)).any() for one in shown)
    both = unlabelled_images(
        pretraining(phantom_study.folder, corpora=(corpus.folder,), leave_out_test_of=(held,))
    )
    assert both.counts() == {"study": len(images), "scans": len(images)}
    last = both[np.array([0, len(both) - 1])]
    assert np.array_equal(last[1], shown[-1])
    assert np.array_equal(
        last[0], unlabelled_images(pretraining(phantom_study.folder))[np.array([0])][0]
    )


def test_what_looks_like_a_test_image_is_not_learnt_from_though_the_corpus_dropped_that_image(
    phantom_study: StoredStudy, tmp_path: Path
) -> None:
    """Of a scan and its near-copy the corpus keeps the one that came first: here the copy."""
    held = HeldOut(study=phantom_study.folder)
    (copy,) = grey(phantom_study, [int(held.splits(phantom_study).test[0])])
    copy[100, 100] ^= 1
    corpus = write_corpus(tmp_path / "scans", np.stack([copy, random_images(1)[0]]), 2)
    plan = pretraining(corpora=(corpus.folder,), leave_out_test_of=(held,))
    images = unlabelled_images(plan)
    assert (len(images), images.left_out) == (1, 1)
    assert np.array_equal(images[np.array([0])], corpus[[1]])


def test_plans_without_a_kind_are_cross_validations_and_unknown_kinds_are_refused(
    phantom_study: StoredStudy, store: Path
) -> None:
    folder = kept_run(small_plan(phantom_study.folder))
    assert "kind" not in json.loads((folder.path / "plan.json").read_text())
    assert folder.cross_validation().folds == 2
    with pytest.raises(RunError, match="not a pretraining"):
        folder.pretraining()
    folder.mark("plan.json", json.dumps({"kind": "distillation"}))
    with pytest.raises(RunError, match="missing or damaged"):
        folder.plan()
