"""The ensemble: probabilities, precision, threshold, out-of-distribution detection."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from vmcore.data.phantom import OverlaySettings, make_phantom, write_dicom
from vmcore.imaging import CleaningSettings, clean_frame, read_scan, to_model_input
from vmcore.inference import Classifier, Prediction, analyse
from vmcore.models import BundleCard, Calibration, create_classifier, load_models
from vmcore.processor import has_bfloat16
from vmcore.training import fit_ood_detector


@pytest.fixture(scope="module")
def images() -> list[np.ndarray]:
    return [make_phantom(w, i, shape=(200, 240 + 20 * i)).image for i, w in enumerate((6.0, 12.0))]


def test_the_ensemble_is_the_mean_of_the_folds_softmax(
    small_bundle: Path, images: list[np.ndarray]
) -> None:
    _, models = load_models(small_bundle)
    batch = torch.from_numpy(np.stack([to_model_input(image) for image in images]))
    with torch.inference_mode():
        expected = torch.stack([model(batch).softmax(1)[:, 1] for model in models]).numpy()
    found = Classifier.load(small_bundle, precision="float32").predict(images)
    for index, prediction in enumerate(found):
        assert prediction.fold_probabilities == pytest.approx(expected[:, index], abs=1e-6)
        assert prediction.probability == pytest.approx(expected[:, index].mean(), abs=1e-6)
        assert prediction.heatmap is not None
        assert prediction.heatmap.shape == images[index].shape[:2]


def test_a_batch_gives_what_single_images_give(
    small_bundle: Path, images: list[np.ndarray]
) -> None:
    classifier = Classifier.load(small_bundle, precision="float32")
    together = classifier.predict(images)
    for image, expected in zip(images, together, strict=True):
        (alone,) = classifier.predict([image])
        assert alone.fold_probabilities == pytest.approx(expected.fold_probabilities, abs=1e-5)
        assert alone.heatmap is not None
        assert expected.heatmap is not None
        assert np.abs(alone.heatmap - expected.heatmap).max() < 1e-3


@pytest.mark.skipif(not has_bfloat16(), reason="the processor has no bfloat16")
def test_bfloat16_stays_within_one_percent_of_float32(small_bundle: Path) -> None:
    exact = Classifier.load(small_bundle, precision="float32")
    fast = Classifier.load(small_bundle, precision="bfloat16")
    images = [make_phantom(5.0 + seed, seed, shape=(240, 320)).image for seed in range(12)]
    for first, second in zip(
        exact.predict(images, heatmap=None), fast.predict(images, heatmap=None), strict=True
    ):
        assert abs(first.probability - second.probability) < 0.01


def test_the_threshold_decides_the_label(small_bundle: Path, images: list[np.ndarray]) -> None:
    card, models = load_models(small_bundle)
    for threshold, label in ((0.0, "ventriculomegaly"), (1.0, "normal")):
        changed = card.model_copy(update={"threshold": threshold})
        assert Classifier.of_models(changed, models).predict(images[:1])[0].label == label


def test_no_heatmap_is_made_where_none_is_asked_for(
    small_bundle: Path, images: list[np.ndarray]
) -> None:
    classifier = Classifier.load(small_bundle)
    assert classifier.predict(images[:1], heatmap=None)[0].heatmap is None
    assert classifier.predict([]) == []
    with pytest.raises(ValueError, match="No heatmap method"):
        classifier.predict(images[:1], heatmap="x-ray")


def test_threads_share_one_classifier(small_bundle: Path, images: list[np.ndarray]) -> None:
    classifier = Classifier.load(small_bundle, precision="float32")
    (expected,) = classifier.predict(images[:1])
    found: list[Prediction] = []
    threads = [
        threading.Thread(target=lambda: found.extend(classifier.predict(images[:1])))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [p.probability for p in found] == pytest.approx([expected.probability] * 4)


def test_the_detector_decides_whether_an_image_is_known(
    small_bundle: Path, images: list[np.ndarray]
) -> None:
    card, models = load_models(small_bundle)
    plain = Classifier.of_models(card, models, precision="float32")
    assert plain.predict(images[:1])[0].in_domain is None
    drawn = [make_phantom(8.0, seed, shape=(160, 200)).image for seed in range(12)]
    fit = fit_ood_detector(plain.embed(drawn), [str(seed) for seed in range(12)])
    asked = Classifier.of_models(card, models, fit, precision="float32")
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    known, unknown = asked.predict([drawn[0], noise], heatmap=None)
    assert known.in_domain is True
    assert unknown.in_domain is False
    assert known.ood_score is not None
    assert unknown.ood_score is not None
    assert known.ood_score < 1 < unknown.ood_score


def test_folds_that_contradict_each_other_are_noticed() -> None:
    def prediction(*folds: float) -> Prediction:
        return Prediction(float(np.mean(folds)), np.array(folds), "normal", 0.5, None, True)

    assert prediction(0.1, 0.9, 0.2, 0.8, 0.3).folds_disagree
    assert not prediction(0.48, 0.52, 0.49, 0.51, 0.5).folds_disagree
    assert not prediction(0.6, 0.99, 0.7, 0.98, 0.8).folds_disagree
    assert prediction(
        0.48, 0.49, 0.49, 0.48, 0.57
    ).folds_disagree  # four against what the mean says


def test_the_analysis_cleans_as_the_bundle_says(tmp_path: Path) -> None:
    settings = CleaningSettings(top_strip=0.2, remove_text=False)
    card = BundleCard(architecture="usf-mae-tiny", folds=1, preprocessing=settings)
    classifier = Classifier.of_models(card, [create_classifier("usf-mae-tiny")])
    phantom = make_phantom(9.0, 1, shape=(200, 260), overlays=OverlaySettings())
    scan = read_scan(write_dicom(tmp_path / "p.dcm", phantom, phantom))
    analysis = analyse(scan, classifier, frame=1)
    expected = clean_frame(scan.frames[1], region=scan.region, settings=settings)
    assert np.array_equal(analysis.clean.image, expected.image)
    with pytest.raises(IndexError, match="no frame 3"):
        analyse(scan, classifier, frame=2)


@pytest.mark.parametrize("name", ["resnet50", pytest.param("vit-b16", marks=pytest.mark.long)])
def test_baselines_answer_too(name: str, images: list[np.ndarray]) -> None:
    card = BundleCard(architecture=name, folds=1)
    (found,) = Classifier.of_models(card, [create_classifier(name)]).predict(images[:1])
    assert 0 <= found.probability <= 1
    assert found.heatmap is not None


def test_a_calibration_in_the_card_is_what_every_folds_probability_goes_through(
    small_bundle: Path, images: list[np.ndarray]
) -> None:
    card, models = load_models(small_bundle)
    plain = Classifier.of_models(card, models, precision="float32").predict(images, heatmap=None)
    fitted = Calibration(method="platt", slope=2.0, intercept=-0.7)
    calibrated_card = card.model_copy(update={"calibration": fitted, "threshold": 0.3})
    _, models = load_models(small_bundle)
    calibrated = Classifier.of_models(calibrated_card, models, precision="float32").predict(
        images, heatmap=None
    )
    for before, after in zip(plain, calibrated, strict=True):
        odds = np.log(before.fold_probabilities / (1 - before.fold_probabilities))
        expected = 1 / (1 + np.exp(-(2.0 * odds - 0.7)))
        assert after.fold_probabilities == pytest.approx(expected)
        assert after.probability == pytest.approx(expected.mean())
        assert after.label == ("ventriculomegaly" if expected.mean() >= 0.3 else "normal")


def test_a_fold_can_be_asked_alone(small_bundle: Path, images: list[np.ndarray]) -> None:
    ensemble = Classifier.load(small_bundle, precision="float32")
    together = ensemble.predict(images)
    for fold in (1, 2):
        alone = ensemble.only(fold).predict(images)
        for one, all_ in zip(alone, together, strict=True):
            assert one.fold_probabilities == pytest.approx(all_.fold_probabilities[fold - 1 : fold])
            assert one.heatmap is not None
