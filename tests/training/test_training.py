"""Training: schedule, class weights, best epoch, repeatability, learning at all."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional

from vmcore.data import Augmentation, Fold
from vmcore.models import MAE_SHAPES, MaskedAutoencoder, create_classifier
from vmcore.training import (
    EpochResult,
    FinetuneSettings,
    LabelledImages,
    PretrainSettings,
    class_weights,
    finetune_fold,
    learn_ventricle_patches,
    learning_rate,
    make_fabric,
    predict,
    pretrain,
)
from vmcore.training.finetune import _share

STILL = Augmentation(
    rotation_deg=(0, 0), horizontal_flip=0, vertical_flip=0, field_of_view=(1.0, 1.0)
)


@pytest.fixture(scope="module")
def easy() -> LabelledImages:
    """Bright squares are one class, dark ones the other."""
    rng = np.random.default_rng(0)
    labels = np.tile([0, 1], 20)
    images = rng.integers(0, 90, (40, 3, 224, 224), np.uint8)
    images[labels == 1] += 130
    return LabelledImages(images, labels)


def fold() -> Fold:
    return Fold(np.arange(28), np.arange(28, 40))


def test_the_rate_rises_linearly_then_falls_as_half_a_cosine() -> None:
    rates = [learning_rate(step, 100, peak=1.0) for step in range(100)]
    assert rates[:10] == pytest.approx([(step + 1) / 10 for step in range(10)])
    for step in (10, 40, 99):
        assert rates[step] == pytest.approx(0.5 * (1 + math.cos(math.pi * (step - 10) / 90)))
    assert learning_rate(99, 100, peak=1.0, floor=1e-5) > 1e-5


def test_class_weights_are_scikit_learns_balanced_ones() -> None:
    labels = np.array([0] * 30 + [1] * 7)
    expected = compute_class_weight("balanced", classes=np.array([0, 1]), y=labels)
    assert class_weights(labels).numpy() == pytest.approx(expected)
    with pytest.raises(ValueError, match="one class only"):
        class_weights(np.zeros(5, np.int64))


@pytest.mark.parametrize("samples", [None, [1, 2, 1, 1, 1, 1]])
def test_the_loss_is_torchs_weighted_cross_entropy(samples: list[float] | None) -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(6, 2), torch.tensor([0, 1, 0, 1, 1, 0])
    weight = torch.tensor([0.7, 1.9])
    study = LabelledImages(
        np.zeros((6, 3, 1, 1), np.uint8), labels.numpy(), samples and np.array(samples, float)
    )
    scale, mine = _share(study, np.arange(6), weight, make_fabric("32-true", "cpu"))
    each = functional.cross_entropy(logits[mine], labels[mine], reduction="none")
    rows = [0, 1, 1, 2, 3, 4, 5] if samples else [0, 1, 2, 3, 4, 5]
    expected = functional.cross_entropy(logits[rows], labels[rows], weight=weight)
    torch.testing.assert_close((each * scale).sum(), expected)


def train(study: LabelledImages, **settings: object) -> tuple[object, list[EpochResult]]:
    torch.manual_seed(0)
    seen: list[EpochResult] = []
    options = {"epochs": 3, "batch_size": 8, "learning_rate": 3e-4, "augmentation": STILL}
    result = finetune_fold(
        create_classifier("usf-mae-tiny"), study, fold(),
        FinetuneSettings(**{**options, **settings}),  # type: ignore[arg-type]
        make_fabric("32-true", "cpu"), on_epoch=seen.append,
    )  # fmt: skip
    return result, seen


def test_it_learns_what_is_easy_and_keeps_the_best_epoch(easy: LabelledImages) -> None:
    result, seen = train(easy)
    best = max(seen, key=lambda r: (r.validation["accuracy"], -r.validation_loss))
    assert result.best == best  # type: ignore[attr-defined]
    assert best.validation["accuracy"] >= 0.9
    model = create_classifier("usf-mae-tiny", result.state)  # type: ignore[attr-defined]
    probability, loss = predict(
        model, easy, fold().validation, make_fabric("32-true", "cpu"),
        class_weights(easy.labels[fold().train]),
    )  # fmt: skip
    assert loss == pytest.approx(best.validation_loss, abs=1e-5)
    assert len(probability) == 12


@pytest.mark.long
def test_the_same_seed_gives_the_same_weights(easy: LabelledImages) -> None:
    first, _ = train(easy, epochs=1, augmentation=Augmentation())
    again, _ = train(easy, epochs=1, augmentation=Augmentation())
    for key, value in first.state.items():  # type: ignore[attr-defined]
        assert torch.equal(value, again.state[key])  # type: ignore[attr-defined]


def test_pretraining_lowers_the_loss() -> None:
    rng = np.random.default_rng(0)
    images = np.repeat(rng.integers(0, 255, (16, 3, 14, 14), np.uint8), 16, axis=2)
    images = np.repeat(images, 16, axis=3)
    torch.manual_seed(0)
    losses: list[float] = []
    settings = PretrainSettings(epochs=4, batch_size=8, learning_rate=1e-3, augmentation=STILL)
    pretrain(
        MaskedAutoencoder(MAE_SHAPES["usf-mae-tiny"]), images, settings,
        make_fabric("32-true", "cpu"), on_epoch=lambda one: losses.append(one.loss),
    )  # fmt: skip
    assert losses[-1] < losses[0]


@pytest.mark.long
def test_learning_anatomy_lowers_the_loss() -> None:
    rng = np.random.default_rng(0)
    labels = np.tile([0, 1], 8)
    images = rng.integers(0, 60, (16, 2, 224, 224), np.uint8)
    images[:, 1] = 0
    for index in np.flatnonzero(labels):
        images[index, 0, 64:128, 64:128] = 250
        images[index, 1, 64:128, 64:128] = 255
    torch.manual_seed(0)
    seen: list[float] = []
    settings = FinetuneSettings(epochs=4, batch_size=8, learning_rate=5e-4, augmentation=STILL)
    learn_ventricle_patches(
        create_classifier("usf-mae-tiny"), images, labels, settings,
        make_fabric("32-true", "cpu"), on_epoch=lambda _, loss, _right: seen.append(loss),
    )  # fmt: skip
    assert seen[-1] < seen[0]


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"learning_rate": -1}, {"batch_size": 0}])
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        FinetuneSettings(**wrong)  # type: ignore[arg-type]
