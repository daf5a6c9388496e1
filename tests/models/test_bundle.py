"""Bundles: what is written comes back, whole or not at all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from vmcore.imaging import CleaningSettings
from vmcore.inference import Classifier
from vmcore.models import (
    BundleError,
    create_classifier,
    load_card,
    load_models,
    load_ood_detector,
    save_bundle,
)
from vmcore.training import fit_ood_detector


def randn(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).standard_normal(shape).astype(np.float32)


def test_a_bundle_comes_back(tmp_path: Path) -> None:
    torch.manual_seed(0)
    models = [create_classifier("usf-mae-tiny").eval() for _ in range(2)]
    detector = fit_ood_detector(randn(2, 20, 6), [str(i) for i in range(20)])
    folder = save_bundle(
        tmp_path / "b", models, architecture="usf-mae-tiny", half=False, threshold=0.3,
        preprocessing=CleaningSettings(top_strip=0.1), predictions="image\n",
        ood_detector=detector,
    )  # fmt: skip
    card, loaded = load_models(folder)
    assert (card.folds, card.threshold, card.preprocessing.top_strip) == (2, 0.3, 0.1)
    images = torch.randn(1, 3, 224, 224)
    for before, after in zip(models, loaded, strict=True):
        torch.testing.assert_close(before(images), after(images))
    back = load_ood_detector(folder, 2)
    assert back is not None
    asked = randn(2, 4, 6)
    assert back.score(asked) == pytest.approx(detector.score(asked), abs=1e-2)
    assert (folder / "predictions.csv").read_text() == "image\n"


def test_replacing_a_bundle_leaves_nothing_of_the_old_one(tmp_path: Path) -> None:
    models = [create_classifier("usf-mae-tiny") for _ in range(2)]
    save_bundle(tmp_path / "b", models, architecture="usf-mae-tiny", predictions="x\n")
    save_bundle(tmp_path / "b", models[:1], architecture="usf-mae-tiny", name="second")
    assert sorted(path.name for path in (tmp_path / "b").iterdir()) == [
        "bundle.json",
        "fold-1.safetensors",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
    assert load_card(tmp_path / "b").name == "second"


def test_a_bad_card_leaves_the_old_bundle_alone(tmp_path: Path) -> None:
    models = [create_classifier("usf-mae-tiny")]
    save_bundle(tmp_path / "b", models, architecture="usf-mae-tiny", name="first")
    with pytest.raises(BundleError, match="threshold"):
        save_bundle(tmp_path / "b", models, architecture="usf-mae-tiny", threshold=2.0)
    assert load_card(tmp_path / "b").name == "first"
    with pytest.raises(BundleError, match="at least one fold"):
        save_bundle(tmp_path / "b", [], architecture="usf-mae-tiny")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("no card", "bundle.json is missing"),
        ("half a card", "not a valid model card"),
        ("newer schema", "schema_version"),
        ("unknown architecture", "alexnet"),
        ("no fold", "lacks fold-2.safetensors"),
        ("half a fold", "fold-1.safetensors is damaged"),
        ("another architecture", "does not fit"),
    ],
)
def test_a_damaged_bundle_is_refused_with_the_reason(
    tmp_path: Path, small_bundle: Path, damage: str, words: str
) -> None:
    for path in small_bundle.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    card = tmp_path / "bundle.json"
    fields = json.loads(card.read_text())
    if damage == "no card":
        card.unlink()
    elif damage == "half a card":
        card.write_text(card.read_text()[:50])
    elif damage == "no fold":
        (tmp_path / "fold-2.safetensors").unlink()
    elif damage == "half a fold":
        fold = tmp_path / "fold-1.safetensors"
        fold.write_bytes(fold.read_bytes()[:5000])
    else:
        fields |= {
            "newer schema": {"schema_version": 2},
            "unknown architecture": {"architecture": "alexnet"},
            "another architecture": {"architecture": "usf-mae-small"},
        }[damage]
        card.write_text(json.dumps(fields))
    with pytest.raises(BundleError, match=words):
        load_models(tmp_path)


def test_weights_that_are_no_numbers_and_other_classes_are_refused(
    small_bundle: Path, tmp_path: Path
) -> None:
    shutil.copytree(small_bundle, tmp_path / "b")
    file = tmp_path / "b/fold-2.safetensors"
    state = load_file(file)
    state["head.bias"][1] = float("nan")
    save_file(state, file)
    for load in (load_models, Classifier.load):
        with pytest.raises(
            BundleError, match=r"fold-2\.safetensors holds values that are no numbers"
        ):
            load(tmp_path / "b")
    card = tmp_path / "b/bundle.json"
    told = json.loads(card.read_text())
    card.write_text(json.dumps(told | {"classes": told["classes"][::-1]}))
    with pytest.raises(BundleError, match="classes"):
        load_card(tmp_path / "b")
