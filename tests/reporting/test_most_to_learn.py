"""What a label would teach: mutual information and the width at its limit, against numpy and scipy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import entropy, norm

from tests.reporting.test_measurement import analysed, calliper
from vmcore.reporting import learning_value, learning_value_of
from vmcore.reporting.most_to_learn import mutual_information, width_entropy


def bits(p: np.ndarray) -> np.ndarray:
    """Entropy of a yes or no, by scipy."""
    return np.asarray(entropy(np.stack([p, 1 - p]), base=2, axis=0))


@pytest.mark.parametrize("folds", [2, 5, 50])
def test_disagreement_is_the_mutual_information_of_the_joint_distribution(folds: int) -> None:
    for seed in range(20):
        p = np.random.default_rng(seed).beta(0.5, 0.5, folds)
        joint = np.stack([p, 1 - p]) / folds  # of prediction and fold, each fold as likely
        product = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
        expected = float(np.sum(joint * np.log2(joint / product)))
        assert mutual_information(p) == pytest.approx(expected, abs=1e-12)


def test_folds_that_contradict_each_other_teach_more_than_folds_that_are_all_undecided() -> None:
    assert mutual_information([0.0, 1.0]) == pytest.approx(1.0)
    assert mutual_information([0.5] * 5) == pytest.approx(0.0, abs=1e-12)
    assert mutual_information([0.9]) == 0.0  # one fold contradicts nobody
    assert mutual_information([0.0, 0.0]) == mutual_information([1.0, 1.0]) == 0.0


@pytest.mark.parametrize("width", [8.0, 9.6, 10.0, 10.5, 13.0])
@pytest.mark.parametrize("deviation", [0.2, 0.7, 1.5])
def test_a_width_is_worth_what_its_side_of_ten_millimetres_leaves_open(
    width: float, deviation: float
) -> None:
    expected = bits(np.array([norm.sf(10.0, width, deviation)]))[0]
    assert width_entropy(width, deviation) == pytest.approx(expected, abs=1e-9)


def test_without_millimetres_the_width_says_nothing() -> None:
    assert width_entropy(None, None) == width_entropy(10.0, None) == 0.0


def test_the_reason_says_what_is_open_and_nothing_else() -> None:
    both = learning_value([0.1, 0.9], 9.8, 0.5)
    assert both.reason == (
        "9.8 ± 0.5 mm leaves open which side of 10 mm; the folds say 0.10 to 0.90"
    )
    assert both.brief == "9.8 ± 0.5 mm, folds 0.10–0.90"
    assert learning_value([0.01, 0.99], 8.9, 0.5).brief.startswith("folds")  # the larger part first
    assert both.bits == pytest.approx(both.disagreement + both.width)
    assert "mm" not in learning_value([0.1, 0.9], 20.0, 0.5).reason
    assert "folds" not in learning_value([0.5, 0.5], 10.0, 0.5).reason
    assert learning_value([0.01, 0.02], 5.0, 0.3).reason == (
        "the folds differ little (0.01 to 0.02), so a label teaches the model little"
    )


def test_undecided_folds_that_agree_are_not_called_settled_and_missing_millimetres_are_named() -> (
    None
):
    undecided = learning_value([0.5] * 5)
    assert undecided.reason == (
        "the folds agree (0.50), so a label teaches the model little; no millimetres to ask the width by"
    )
    assert undecided.brief == "little"
    torn = learning_value([0.1, 0.9])
    assert torn.reason == "the folds say 0.10 to 0.90; no millimetres to ask the width by"


def test_an_analysis_is_valued_by_its_folds_and_its_callipers_uncertainty() -> None:
    analysis = analysed(calliper(9.8), 0.5)
    folds = np.array([0.2, 0.8, 0.5])
    analysis = replace(analysis, prediction=replace(analysis.prediction, fold_probabilities=folds))
    value = learning_value_of(analysis)
    atrium = calliper(9.8)
    assert atrium.uncertainty_mm is not None
    expected = bits(np.array([norm.sf(10.0, 9.8, atrium.uncertainty_mm)]))[0]
    assert value.width == pytest.approx(expected, abs=1e-9)
    assert value.disagreement == pytest.approx(bits(folds.mean()[None])[0] - bits(folds).mean())
    assert learning_value_of(analysed(None, 0.5)).bits == pytest.approx(0.0, abs=1e-12)
