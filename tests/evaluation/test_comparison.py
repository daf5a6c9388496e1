"""Comparisons against brute force, statsmodels and what must hold."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.special import expit
from statsmodels.stats.contingency_tables import mcnemar as their_mcnemar
from statsmodels.stats.multitest import multipletests

from tests.evaluation.support import cases_of, table_of
from vmcore.evaluation import (
    PredictionsError,
    compare,
    comparison_rows,
    delong,
    holm,
    mcnemar,
    read_predictions,
)


def structural_components(truth: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """DeLong's V10 and V01 straight from their definition: every pair compared."""
    sick, well = values[truth == 1], values[truth == 0]
    wins = (sick[:, None] > well) + 0.5 * (sick[:, None] == well)
    return wins.mean(1), wins.mean(0)


def test_delong_equals_its_definition() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 70)
    first = np.round(np.clip(truth * 0.3 + rng.random(70) * 0.7, 0, 1), 2)
    second = np.round(np.clip(truth * 0.2 + rng.random(70) * 0.8, 0, 1), 2)
    parts = [structural_components(truth, values) for values in (first, second)]
    variance = sum(
        np.var(parts[0][side] - parts[1][side], ddof=1) / len(parts[0][side]) for side in (0, 1)
    )
    gap = parts[0][0].mean() - parts[1][0].mean()
    found = delong(truth, first, second)
    assert found.interval.estimate == pytest.approx(gap)
    assert found.interval.high - gap == pytest.approx(1.959964 * np.sqrt(variance), rel=1e-5)


def test_a_model_does_not_differ_from_itself() -> None:
    found = delong([0, 1, 0, 1], [0.1, 0.9, 0.4, 0.3], [0.1, 0.9, 0.4, 0.3])
    assert found.interval.estimate == 0
    assert found.p_value == 1


def test_delong_by_subject_equals_its_definition() -> None:
    """Obuchowski's variance (1997), subject by subject as she writes it."""
    rng = np.random.default_rng(1)
    truth, whose = rng.integers(0, 2, 80), rng.integers(0, 25, 80)
    values = [np.round(np.clip(truth * 0.2 + rng.random(80) * 0.8, 0, 1), 2) for _ in range(2)]
    parts = [structural_components(truth, each) for each in values]
    over_sick, over_well = (parts[0][side] - parts[1][side] for side in (0, 1))
    gap = over_sick.mean()
    sums = []
    for subject in np.unique(whose):
        sick, well = whose[truth == 1] == subject, whose[truth == 0] == subject
        sums.append(
            (over_sick[sick].sum() - sick.sum() * gap, over_well[well].sum() - well.sum() * gap)
        )
    first, second = np.array(sums).T
    many, few = (len(np.unique(whose[truth == side])) for side in (1, 0))
    ill, fit, count = (truth == 1).sum(), (truth == 0).sum(), len(sums)
    variance = many / ((many - 1) * ill) * (first**2).sum() / ill
    variance += few / ((few - 1) * fit) * (second**2).sum() / fit
    variance += 2 * count / (count - 1) * (first * second).sum() / (ill * fit)
    found = delong(truth, *values, whose)
    assert found.interval.estimate == pytest.approx(gap)
    assert found.interval.high - gap == pytest.approx(1.959964 * np.sqrt(variance), rel=1e-5)
    alone = delong(truth, *values, np.arange(80))
    assert alone == delong(truth, *values)


def test_mcnemar_by_subject_flips_every_sign() -> None:
    rng = np.random.default_rng(2)
    for _ in range(5):
        whose = rng.integers(0, 9, 40)
        truth, first, second = rng.integers(0, 2, (3, 40))
        lead = (first == truth).astype(int) - (second == truth)
        sums = np.bincount(whose, weights=lead, minlength=9)
        signs = np.array(list(itertools.product([-1, 1], repeat=9)))
        expected = (np.abs(signs @ sums) >= abs(sums.sum())).mean()
        *counts, p_value = mcnemar(truth, first, second, whose)
        assert p_value == pytest.approx(expected)
        assert counts == [(lead > 0).sum(), (lead < 0).sum()]


def test_many_images_of_few_subjects_prove_nothing_by_their_number() -> None:
    """Two equally good models on 30 subjects with 8 images each, which they answer alike."""
    rng, runs = np.random.default_rng(3), 120
    found: dict[str, list[float]] = {"images": [], "subjects": []}
    for _ in range(runs):
        whose, truth = np.repeat(np.arange(30), 8), np.repeat(np.arange(30) % 2, 8)
        said = [
            expit(2 * truth - 1 + np.repeat(rng.normal(0, 1.5, 30), 8) + rng.normal(0, 0.3, 240))
            for _ in range(2)
        ]
        called = [values >= 0.5 for values in said]
        for name, subjects in (("images", None), ("subjects", whose)):
            found[name].append(delong(truth, *said, subjects).p_value)
            found[name].append(mcnemar(truth, *called, subjects)[2])
    wrong = {name: np.mean(np.array(values) < 0.05) for name, values in found.items()}
    assert wrong["subjects"] < 0.12
    assert wrong["images"] > 0.3


def test_delong_needs_both_classes() -> None:
    with pytest.raises(ValueError, match="both classes"):
        delong([1, 1], [0.1, 0.2], [0.1, 0.3])


@pytest.mark.parametrize("seed", range(4))
def test_mcnemar_equals_statsmodels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, first, second = rng.integers(0, 2, (3, 60))
    right = (first == truth), (second == truth)
    table = [[(a & b).sum() for b in (right[1], ~right[1])] for a in (right[0], ~right[0])]
    only_first, only_second, p_value = mcnemar(truth, first, second)
    assert p_value == pytest.approx(float(their_mcnemar(table, exact=True).pvalue))
    assert (only_first, only_second) == (table[0][1], table[1][0])


@pytest.mark.parametrize("cases", [60, 100])
def test_small_p_values_are_not_rounded_away(cases: int) -> None:
    truth = np.ones(cases, int)
    assert mcnemar(truth, truth, 0 * truth, np.arange(cases))[2] == pytest.approx(
        2.0 ** (1 - cases)
    )


def test_mcnemar_of_equal_decisions_is_one() -> None:
    assert mcnemar([0, 1], [0, 1], [0, 1]) == (0, 0, 1.0)


def test_holm_equals_statsmodels() -> None:
    raw = [0.01, 0.04, 0.03, 0.5, 0.02, 0.02]
    assert holm(raw) == pytest.approx(list(multipletests(raw, method="holm")[1]))
    assert np.isnan(holm([0.01, float("nan")])[1])


def test_a_better_model_is_found_better_and_the_order_turns_the_sign() -> None:
    good = cases_of(count=300, seed=1)
    table = table_of(count=300, seed=1)
    noise = np.random.default_rng(9).random(len(table))
    table["probability"] = 0.3 * table["probability"] + 0.7 * noise
    bad = read_predictions(table).cases("test")
    found = compare(good, bad, (0.5, 0.5), resamples=500)
    turned = compare(bad, good, (0.5, 0.5), resamples=500)
    assert found.auc.interval.low > 0
    assert found.auc.p_value < 0.01
    assert found.f1.interval.low > 0
    assert turned.auc.interval.estimate == pytest.approx(-found.auc.interval.estimate)
    assert turned.decisions[:2] == found.decisions[1::-1]
    (row,) = comparison_rows({"bad": found})
    assert row["DeLong p"] >= found.auc.p_value


def test_a_comparison_keeps_a_subjects_images_together() -> None:
    first = cases_of(count=120, seed=1, per_subject=4)
    table = table_of(count=120, seed=1, per_subject=4)
    noise = np.random.default_rng(9).random(len(table))
    table["probability"] = 0.6 * table["probability"] + 0.4 * noise
    second = read_predictions(table).cases("test")
    found = compare(first, second, (0.5, 0.3), resamples=200)
    said = first.labels, first.probability, second.probability
    assert found.auc == delong(*said, first.subjects)
    assert found.auc != delong(*said)
    called = (first.probability >= 0.5, second.probability >= 0.3)
    assert found.decisions == mcnemar(first.labels, *called, first.subjects)
    assert found.decisions != mcnemar(first.labels, *called)


def test_models_of_different_studies_are_not_compared() -> None:
    table = table_of(count=40)
    table["label"] = 1 - table["label"]
    with pytest.raises(PredictionsError, match="different labels"):
        compare(cases_of(count=40), read_predictions(table).cases("test"), (0.5, 0.5))
    table["image"] = "other-" + table["image"]
    with pytest.raises(PredictionsError, match="too few cases"):
        compare(cases_of(count=40), read_predictions(table).cases("test"), (0.5, 0.5))
