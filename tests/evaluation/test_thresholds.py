"""Thresholds against an exhaustive search, predictive values against Bayes and the paper's figures."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from vmcore.evaluation import (
    ThresholdRule,
    binary_metrics,
    choose_threshold,
    net_benefit,
    predictive_values,
)
from vmcore.evaluation.published import CONFUSION, published

RNG = np.random.default_rng(1)
TRUTH = RNG.integers(0, 2, 200)
SAID = np.clip(0.25 * TRUTH + RNG.random(200) * 0.75, 0, 1)


@lru_cache(maxsize=1)
def possible() -> list[dict[str, float]]:
    return [binary_metrics(TRUTH, SAID, threshold) for threshold in (*np.unique(SAID), 1.0)]


def test_youdens_threshold_is_the_best_of_all_possible_ones() -> None:
    got = binary_metrics(TRUTH, SAID, choose_threshold(TRUTH, SAID))
    best = max(each["recall"] + each["specificity"] for each in possible())
    assert got["recall"] + got["specificity"] == pytest.approx(best)


@pytest.mark.parametrize("least", [0.5, 0.9, 0.95, 1.0])
def test_a_kept_sensitivity_leaves_the_best_specificity(least: float) -> None:
    rule = ThresholdRule("sensitivity", least)
    got = binary_metrics(TRUTH, SAID, choose_threshold(TRUTH, SAID, rule))
    assert got["recall"] >= least - 1e-12
    best = max(each["specificity"] for each in possible() if each["recall"] >= least - 1e-12)
    assert got["specificity"] == pytest.approx(best)


@pytest.mark.parametrize("least", [0.5, 0.9, 0.95])
def test_a_kept_specificity_leaves_the_best_sensitivity(least: float) -> None:
    rule = ThresholdRule("specificity", least)
    got = binary_metrics(TRUTH, SAID, choose_threshold(TRUTH, SAID, rule))
    assert got["specificity"] >= least - 1e-12
    best = max(each["recall"] for each in possible() if each["specificity"] >= least - 1e-12)
    assert got["recall"] == pytest.approx(best)


@pytest.mark.parametrize(("ratio", "prevalence"), [(1, None), (10, None), (20, 0.01)])
def test_the_cheapest_threshold_is_the_cheapest_of_all(
    ratio: float, prevalence: float | None
) -> None:
    share = TRUTH.mean() if prevalence is None else prevalence

    def cost(figures: dict[str, float]) -> float:
        missed, alarmed = 1 - figures["recall"], 1 - figures["specificity"]
        return ratio * share * missed + (1 - share) * alarmed

    rule = ThresholdRule("cost", ratio, prevalence)
    got = binary_metrics(TRUTH, SAID, choose_threshold(TRUTH, SAID, rule))
    assert cost(got) <= min(cost(each) for each in possible()) + 1e-12
    assert f"{ratio:g}" in rule.words()


def test_a_threshold_of_separable_classes_lies_between_them() -> None:
    assert choose_threshold([0, 0, 1, 1], [0.1, 0.2, 0.6, 0.9]) == pytest.approx(0.4)


def test_a_threshold_needs_both_classes_and_a_rule_that_makes_sense() -> None:
    with pytest.raises(ValueError, match="both classes"):
        choose_threshold([1, 1], [0.2, 0.4])
    for wrong in (("sensitivity", 1.2), ("cost", 0.0)):
        with pytest.raises(ValueError, match="must"):
            ThresholdRule(*wrong)
    with pytest.raises(ValueError, match="prevalence"):
        ThresholdRule("cost", 2, 1.5)


def test_the_papers_figures_have_a_ppv_of_43_percent_in_screening() -> None:
    ppv, npv = predictive_values(0.895, 0.988, 0.01)
    assert round(100 * float(ppv)) == 43
    assert float(npv) > 0.998


def test_predictive_values_at_the_datas_prevalence_are_its_own() -> None:
    got = binary_metrics(TRUTH, SAID, 0.5)
    ppv, npv = predictive_values(got["recall"], got["specificity"], TRUTH.mean())
    assert float(ppv) == pytest.approx(got["precision"])
    assert float(npv) == pytest.approx(got["npv"])


def test_net_benefit_equals_its_definition() -> None:
    thresholds = np.array([0.1, 0.3, 0.6])
    got, everybody = net_benefit(TRUTH, SAID, thresholds)
    for value, all_, at in zip(got, everybody, thresholds, strict=True):
        figures = binary_metrics(TRUTH, SAID, at)
        odds = at / (1 - at)
        assert value == pytest.approx((figures["tp"] - figures["fp"] * odds) / len(TRUTH))
        assert all_ == pytest.approx(TRUTH.mean() - (1 - TRUTH.mean()) * odds)


def test_the_published_tables_agree_with_the_published_matrix() -> None:
    test = published("test").set_index("model").loc["USF-MAE"]
    tn, fp, fn, tp = (CONFUSION[key] for key in ("tn", "fp", "fn", "tp"))
    assert 100 * tn / (tn + fp) == pytest.approx(test["specificity"], abs=0.01)
    assert 100 * tp / (tp + fn) == pytest.approx(test["recall"], abs=0.01)
    assert 100 * (tn + tp) / (tn + fp + fn + tp) == pytest.approx(test["accuracy"], abs=0.01)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["sensitivity", "specificity"])
def test_no_threshold_that_meets_the_bound_is_better_in_both_rates(kind: str) -> None:
    rng = np.random.default_rng(7)
    for _ in range(60):
        truth = np.r_[0, 1, rng.integers(0, 2, rng.integers(4, 30))]
        said = np.round(np.clip(0.5 * truth + rng.normal(0.25, 0.3, len(truth)), 0, 0.9), 1)
        least = float(rng.choice([0.5, 0.8, 0.95, 1.0]))
        rule = ThresholdRule(kind, least)  # type: ignore[arg-type]
        got = binary_metrics(truth, said, choose_threshold(truth, said, rule))
        bound, other = (
            ("recall", "specificity") if kind == "sensitivity" else ("specificity", "recall")
        )
        assert got[bound] >= least - 1e-12
        for threshold in (*np.unique(said), 1.0):
            each = binary_metrics(truth, said, threshold)
            if each[bound] >= least - 1e-12:
                assert (each[other], each[bound]) <= (got[other] + 1e-12, got[bound] + 1e-12)


def test_classes_that_are_told_apart_entirely_keep_both_rates_at_one() -> None:
    truth, said = np.repeat([0, 1], 20), np.r_[np.linspace(0, 0.4, 20), np.linspace(0.6, 1, 20)]
    for kind in ("sensitivity", "specificity"):
        got = binary_metrics(truth, said, choose_threshold(truth, said, ThresholdRule(kind, 0.95)))
        assert (got["recall"], got["specificity"]) == (1.0, 1.0)


def test_neighbouring_probabilities_are_still_told_apart() -> None:
    low = 1 - 2e-16
    high = float(np.nextafter(low, 2))
    threshold = choose_threshold([0, 0, 1, 1], [0.1, low, high, high])
    assert low < threshold <= high


def test_net_benefit_of_a_missing_class_is_undefined() -> None:
    for truth in (np.zeros(6, int), np.ones(6, int)):
        model, everybody = net_benefit(truth, np.linspace(0.1, 0.9, 6), [0.2, 0.5], 0.1)
        assert np.isnan(model).all()
        assert everybody == pytest.approx([0.1 - 0.9 * 0.25, 0.1 - 0.9])


def test_a_specificity_that_no_threshold_keeps_is_refused_with_the_cause() -> None:
    with pytest.raises(ValueError, match="probability of 1"):
        choose_threshold([0, 0, 1], [0.2, 1.0, 1.0], ThresholdRule("specificity", 0.9))


def test_a_useless_models_youden_threshold_is_not_one_that_finds_nobody() -> None:
    threshold = choose_threshold([1, 1, 0, 0, 0], [0.1, 0.2, 0.3, 0.4, 0.5])
    assert binary_metrics([1, 1, 0, 0, 0], [0.1, 0.2, 0.3, 0.4, 0.5], threshold)["recall"] > 0
