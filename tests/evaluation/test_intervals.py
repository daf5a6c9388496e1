"""Intervals against scipy and statsmodels, and resampled figures against scikit-learn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn import metrics
from statsmodels.stats.proportion import proportion_confint

from tests.evaluation.support import cases_of, table_of
from vmcore.evaluation import (
    bca_intervals,
    binary_metrics,
    figure_intervals,
    interval_rows,
    read_predictions,
    wilson,
)
from vmcore.evaluation.intervals import resample
from vmcore.evaluation.resampled import COUNTED, RankTable


@pytest.mark.parametrize(("successes", "trials"), [(94, 105), (504, 510), (0, 7), (7, 7), (1, 1)])
def test_wilson_equals_statsmodels(successes: int, trials: int) -> None:
    low, high = proportion_confint(successes, trials, method="wilson")
    found = wilson(successes, trials)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-12)


def test_wilson_of_nothing_is_not_a_number() -> None:
    assert np.isnan(wilson(0, 0).low)


@pytest.mark.parametrize("skew", [False, True])
def test_bca_equals_scipys(skew: bool) -> None:
    rng = np.random.default_rng(3)
    values = rng.exponential(1, 60) if skew else rng.normal(0, 1, 60)

    def mean(weights: np.ndarray) -> np.ndarray:
        return (weights @ values / weights.sum(1))[:, None]

    (ours,) = bca_intervals(mean, 60, resamples=40_000, seed=1)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=40_000, method="BCa", rng=np.random.default_rng(2)
    ).confidence_interval
    width = theirs.high - theirs.low
    assert ours.low == pytest.approx(theirs.low, abs=0.02 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.02 * width)


def test_bca_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    inside = 0
    for trial in range(200):
        values = rng.exponential(1, 40)
        (found,) = bca_intervals(
            lambda w, v=values: (w @ v / w.sum(1))[:, None], 40, resamples=600, seed=trial
        )
        inside += found.low <= 1.0 <= found.high
    assert 0.87 <= inside / 200 <= 0.99


def test_subjects_are_drawn_whole() -> None:
    drawn = resample(lambda weights: weights, 7, resamples=500, seed=0)
    assert drawn.shape == (500, 7)
    assert (drawn.sum(1) == 7).all()
    assert drawn.mean(0) == pytest.approx(np.ones(7), abs=0.2)


def test_areas_of_weighted_copies_equal_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 80)
    probability = np.round(rng.random(80), 1)  # many ties
    subjects = np.arange(80) // 2
    weights = rng.integers(0, 3, (20, 40)).astype(float)
    got = RankTable(labels, probability, subjects, 40).areas(weights)
    for row, weight in zip(got, weights, strict=True):
        each = weight[subjects]
        assert row[0] == pytest.approx(
            metrics.roc_auc_score(labels, probability, sample_weight=each)
        )
        assert row[1] == pytest.approx(
            metrics.average_precision_score(labels, probability, sample_weight=each)
        )


def test_areas_of_very_many_cases_are_as_good_as_exact() -> None:
    rng = np.random.default_rng(1)
    labels = (rng.random(12_000) < 0.2).astype(int)
    probability = 1 / (1 + np.exp(-(labels * 1.2 + rng.normal(0, 1, 12_000))))
    got = RankTable(labels, probability, np.arange(12_000), 12_000).areas(np.ones((1, 12_000)))[0]
    assert got[0] == pytest.approx(metrics.roc_auc_score(labels, probability), abs=1e-3)
    assert got[1] == pytest.approx(metrics.average_precision_score(labels, probability), abs=1e-3)


@pytest.mark.parametrize("split", ["validation", "test"])
def test_estimates_are_the_plain_figures(split: str) -> None:
    cases = cases_of(split)
    found = figure_intervals(cases, 0.4, resamples=300)
    plain = binary_metrics(cases.labels, cases.probability, 0.4)
    for name, interval in found.together.items():
        assert interval.estimate == pytest.approx(plain[name])
        assert interval.low <= interval.estimate <= interval.high
    columns = [cases.by_fold[:, place] for place in range(len(cases.folds))]
    folds = [
        binary_metrics(cases.labels[~np.isnan(column)], column[~np.isnan(column)], 0.4)
        for column in columns
    ]
    for name in (*COUNTED, "auc", "average_precision"):
        assert found.mean[name].estimate == pytest.approx(np.mean([fold[name] for fold in folds]))


def test_copies_of_a_case_bring_no_new_knowledge() -> None:
    """Ten copies of each of forty cases: by subject the interval is that of forty cases."""
    once = table_of(count=40, per_subject=1, seed=2)
    once = once[once["split"] == "test"]
    many = pd.concat(
        [once.assign(image=once["image"] + f"-{copy}") for copy in range(10)], ignore_index=True
    )
    apart = many.assign(subject=many["image"])
    widths = []
    for table in (once, many, apart):
        cases = read_predictions(table).cases("test")
        found = figure_intervals(cases, 0.5, resamples=4000).together["accuracy"]
        widths.append(found.high - found.low)
    assert widths[1] == pytest.approx(widths[0], rel=0.05)
    assert widths[2] == pytest.approx(widths[0] / np.sqrt(10), rel=0.15)


def test_a_figure_that_never_varies_has_no_bootstrap_interval_but_wilsons() -> None:
    rows = {
        row["figure"]: row for row in interval_rows(cases_of(count=10, seed=3), 0.0, resamples=200)
    }
    assert rows["recall"]["together"] == 1.0
    assert rows["recall"]["together, 95 % (BCa, subjects)"] == "–"
    assert "to 1.000" in rows["recall"]["together, 95 % (Wilson, images)"]
