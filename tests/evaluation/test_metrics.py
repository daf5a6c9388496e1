"""Metrics against scikit-learn, the paper's confusion matrix, and every edge."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics

from vmcore.evaluation import binary_metrics


def test_every_metric_equals_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 300)
    probability = np.clip(0.3 * truth + rng.random(300) * 0.8, 0, 1)
    called = (probability >= 0.4).astype(int)
    got = binary_metrics(truth, probability, 0.4)
    assert got["accuracy"] == pytest.approx(metrics.accuracy_score(truth, called))
    assert got["precision"] == pytest.approx(metrics.precision_score(truth, called))
    assert got["recall"] == pytest.approx(metrics.recall_score(truth, called))
    assert got["specificity"] == pytest.approx(metrics.recall_score(truth, called, pos_label=0))
    assert got["f1"] == pytest.approx(metrics.f1_score(truth, called))
    assert got["auc"] == pytest.approx(metrics.roc_auc_score(truth, probability))
    assert got["npv"] == pytest.approx(metrics.precision_score(truth, called, pos_label=0))
    assert got["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(truth, called))


def test_the_papers_confusion_matrix_gives_the_papers_figures() -> None:
    truth = [0] * 510 + [1] * 105
    probability = [0.1] * 504 + [0.9] * 6 + [0.1] * 11 + [0.9] * 94
    got = binary_metrics(truth, probability)
    assert round(100 * got["specificity"], 1) == 98.8
    assert round(100 * got["recall"], 1) == 89.5
    assert (got["tn"], got["fp"], got["fn"], got["tp"]) == (504, 6, 11, 94)


def test_one_class_only_leaves_undefined_figures_undefined() -> None:
    got = binary_metrics([0, 0, 0], [0.1, 0.2, 0.9])
    assert math.isnan(got["auc"])
    assert math.isnan(got["recall"])
    assert got["specificity"] == pytest.approx(2 / 3)
    assert got["f1"] == 0


def test_no_positive_call_gives_zero_precision() -> None:
    assert binary_metrics([0, 1], [0.1, 0.2])["precision"] == 0


def test_the_threshold_itself_counts_as_positive() -> None:
    assert binary_metrics([0, 1], [0.1, 0.5], 0.5)["recall"] == 1


@pytest.mark.parametrize(
    ("truth", "probability", "words"),
    [
        ([0, 1], [0.1, float("nan")], "not a number"),
        ([0, 1], [0.1, 1.2], "between 0 and 1"),
        ([0, 2], [0.1, 0.2], "0 .normal. or 1"),
        ([0, 1], [0.1], "same length"),
        ([], [], "same length"),
    ],
)
def test_wrong_input_is_refused(truth: list[int], probability: list[float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        binary_metrics(truth, probability)
