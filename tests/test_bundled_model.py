"""The bundled model: its card is true, its size fits, and it knows what it claims to know."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_sample_images

from tests.conftest import ROOT
from train.bundled_data import kept_splits
from vmcore.data.phantom import make_phantom
from vmcore.evaluation import binary_metrics, choose_threshold
from vmcore.imaging import clean_frame, read_scan
from vmcore.inference import Classifier, analyse
from vmcore.models import BundleCard, load_card
from vmcore.processor import has_bfloat16
from vmcore.reporting import model_card

BUNDLE = ROOT / "assets/model"


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load(BUNDLE)


@pytest.fixture(scope="module")
def card() -> BundleCard:
    return load_card(BUNDLE)


@pytest.fixture(scope="module")
def predictions() -> pd.DataFrame:
    return pd.read_csv(BUNDLE / "predictions.csv", float_precision="round_trip")


def test_the_document_is_the_bundles_own_card(card: BundleCard) -> None:
    assert (ROOT / "docs/model-card.md").read_text() == model_card(card)


def test_it_is_small() -> None:
    assert sum(path.stat().st_size for path in BUNDLE.iterdir()) < 60e6


def test_the_cards_figures_follow_from_its_predictions(
    card: BundleCard, predictions: pd.DataFrame
) -> None:
    validation = predictions[predictions["split"] == "validation"]
    (rows,) = [rows for title, rows in card.metrics.items() if title.startswith("Validation, by")]
    for row in rows[:5]:
        own = validation["fold"] == int(row["fold"])
        real_rest = validation[~own & (validation["source"] != "phantom")]
        line = choose_threshold(real_rest["label"], real_rest["probability"])
        figures = binary_metrics(validation["label"][own], validation["probability"][own], line)
        for name in ("accuracy", "recall", "specificity", "f1", "auc"):
            assert row[name] == pytest.approx(figures[name], abs=1e-4)


def test_the_threshold_was_chosen_on_validation_images(
    card: BundleCard, predictions: pd.DataFrame
) -> None:
    real = predictions[
        (predictions["split"] == "validation") & (predictions["source"] != "phantom")
    ]
    assert card.threshold == choose_threshold(real["label"], real["probability"])


def test_its_list_of_what_it_learnt_from_leaves_out_the_test(predictions: pd.DataFrame) -> None:
    lines = (BUNDLE / "learnt.txt").read_text().splitlines()
    validated = predictions[predictions["split"] == "validation"]
    assert len(lines) == len(set(lines)) == 2 * len(validated)
    assert all(len(line) == 64 for line in lines)


def test_no_subject_is_both_tested_and_validated(predictions: pd.DataFrame) -> None:
    by_split = predictions.groupby("split")["subject"].agg(set)
    assert not by_split["test"] & by_split["validation"]
    validation = predictions[predictions["split"] == "validation"]
    assert validation.groupby("subject")["fold"].nunique().max() == 1
    assert not validation["image"].duplicated().any()


def listed(predictions: pd.DataFrame) -> pd.DataFrame:
    """The bundled model's images as a manifest, in another order than the predictions'."""
    once = predictions.drop_duplicates("image").sort_values("image", ignore_index=True)
    return once.rename(columns={"image": "path", "subject": "subject_id"})


def test_weights_without_a_split_are_judged_by_the_split_that_they_were_trained_on(
    predictions: pd.DataFrame, tmp_path: Path
) -> None:
    table = listed(predictions)
    (tmp_path / "fold-1.safetensors").touch()
    splits = kept_splits(table, tmp_path, BUNDLE, seed=11)
    images = table["path"].to_numpy()
    judged = predictions[predictions["split"] == "validation"]
    assert set(images[splits.test]) == set(predictions[predictions["split"] == "test"]["image"])
    for number, fold in enumerate(splits.folds, start=1):
        assert set(images[fold.validation]) == set(judged[judged["fold"] == number]["image"])
        assert len(np.unique(np.concatenate([fold.train, fold.validation, splits.test]))) == 1564
    with pytest.raises(SystemExit, match="trained on other images"):
        kept_splits(table.iloc[1:], tmp_path, BUNDLE, seed=11)
    with pytest.raises(SystemExit, match="trained on other images"):
        kept_splits(table, tmp_path, tmp_path, seed=11)


def test_a_split_that_was_made_once_is_kept(predictions: pd.DataFrame, tmp_path: Path) -> None:
    table = listed(predictions)
    first = kept_splits(table, tmp_path, BUNDLE, seed=3)
    again = kept_splits(table, tmp_path, BUNDLE, seed=4)  # the kept one, whatever the seed
    assert np.array_equal(first.test, again.test)
    for one, other in zip(first.folds, again.folds, strict=True):
        assert np.array_equal(one.validation, other.validation)
        assert np.array_equal(one.train, other.train)


def test_specificity_on_the_abnormal_images_own_source_is_reported(card: BundleCard) -> None:
    (rows,) = [rows for title, rows in card.metrics.items() if title.startswith("By source")]
    own = [row for row in rows if row["source"] == "findings"]
    assert {row["split"] for row in own} == {"validation", "test"}
    assert all(row["specificity"] is not None for row in own)
    assert any("far too few" in limit for limit in card.limits)
    assert "CC BY 4.0" in card.licence


@pytest.mark.long
def test_it_tells_wide_from_narrow_on_new_phantoms(classifier: Classifier) -> None:
    images, labels = [], []
    for seed in range(24):
        width = 6.5 if seed % 2 else 14.0
        phantom = make_phantom(width, 50_000 + seed, shape=(400, 540))
        images.append(clean_frame(phantom.image).image)
        labels.append(phantom.label)
    found = [p.probability for p in classifier.predict(images, heatmap=None)]
    assert binary_metrics(labels, found)["auc"] > 0.9


def test_a_loop_that_widens_raises_the_probability(classifier: Classifier) -> None:
    scan = read_scan(ROOT / "assets/examples/4-loop.dcm")
    found = [
        analyse(scan, classifier, frame=frame, heatmap=None).prediction.probability
        for frame in range(len(scan.frames))
    ]
    assert found[-1] > found[0] + 0.3
    assert np.corrcoef(np.arange(len(found)), found)[0, 1] > 0.8


def test_photographs_are_out_of_distribution(classifier: Classifier) -> None:
    photographs = list(load_sample_images().images)
    assert [p.in_domain for p in classifier.predict(photographs, heatmap=None)] == [
        False,
        False,
    ]


@pytest.mark.long
def test_real_heads_are_familiar_and_other_organs_are_less_so(
    classifier: Classifier, real_data: Path
) -> None:
    heads = sorted((real_data / "hc18/images").glob("*_HC.*"))[::80]
    planes = pd.read_csv(real_data / "fetal-planes/manifest.csv")
    organs = [
        real_data / "fetal-planes" / path for path in planes[planes["plane"] != "brain"]["path"]
    ]
    strange = []
    for paths in (heads, organs[::20]):
        images = [clean_frame(read_scan(path).frames[0]).image for path in paths]
        found = classifier.predict(images, heatmap=None)
        strange.append(np.mean([p.in_domain is False for p in found]))
    assert strange[0] < 0.2
    assert strange[1] > strange[0] + 0.2


@pytest.mark.skipif(not has_bfloat16(), reason="the processor has no bfloat16")
def test_bfloat16_stays_within_one_percent_of_float32(classifier: Classifier) -> None:
    fast = Classifier.load(BUNDLE, precision="bfloat16")
    exact = Classifier.load(BUNDLE, precision="float32")
    images = [make_phantom(5.0 + 0.6 * s, s, shape=(240, 320)).image for s in range(16)]
    pairs = zip(
        exact.predict(images, heatmap=None), fast.predict(images, heatmap=None), strict=True
    )
    assert max(abs(a.probability - b.probability) for a, b in pairs) < 0.01


def test_examples_are_phantoms_and_judged_as_they_are_named(classifier: Classifier) -> None:
    labels = {}
    for path in sorted((ROOT / "assets/examples").glob("[123]*.dcm")):
        scan = read_scan(path)
        assert scan.device == "VentriScope Phantom"
        labels[path.stem] = analyse(scan, classifier).prediction.label
    assert labels["1-normal"] == "normal"
    assert labels["3-wide"] == "ventriculomegaly"
