"""Predictive values of the ensemble with honest intervals, checked by simulation and by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from tests.evaluation.support import cases_of
from vmcore.evaluation import CaseSet, predictive_curve, predictive_values, read_predictions
from vmcore.evaluation.screening import BOOTSTRAP, CARRIED


def counted(tp: int, fp: int, tn: int, fn: int) -> CaseSet:
    """Cases of which so many are called rightly and wrongly at 0.5, each its own subject."""
    labels = [1] * tp + [0] * fp + [0] * tn + [1] * fn
    said = [0.9] * (tp + fp) + [0.1] * (tn + fn)
    table = pd.DataFrame({"image": range(len(labels)), "label": labels, "probability": said})
    return read_predictions(table.astype({"image": str})).cases("test")


def test_the_ensemble_is_judged_and_not_the_mean_of_its_folds() -> None:
    cases = cases_of("test")
    called = cases.probability >= 0.4
    found, well = called[cases.labels == 1].mean(), 1 - called[cases.labels == 0].mean()
    curve = predictive_curve(cases, 0.4, [0.01, 0.2], resamples=300)
    for place, share in enumerate((0.01, 0.2)):
        ppv, npv = predictive_values(found, well, share)
        assert curve.ppv[place].estimate == pytest.approx(float(ppv))
        assert curve.npv[place].estimate == pytest.approx(float(npv))
    assert (curve.ppv_method, curve.npv_method) == (BOOTSTRAP, BOOTSTRAP)


def test_one_false_alarm_in_102_leaves_a_wide_open_ppv() -> None:
    curve = predictive_curve(counted(tp=19, fp=1, tn=101, fn=2), 0.5, [0.01])
    assert curve.ppv_method == CARRIED
    ends = [proportion_confint(count, of, method="wilson") for count, of in ((19, 21), (101, 102))]
    low, high = (float(predictive_values(ends[0][k], ends[1][k], 0.01)[0]) for k in (0, 1))
    assert (curve.ppv[0].low, curve.ppv[0].high) == pytest.approx((low, high), abs=1e-6)
    assert low < 0.16
    assert high > 0.8


@pytest.mark.parametrize("wrong", [{"fp": 0, "fn": 9}, {"fp": 9, "fn": 0}])
def test_no_wrong_decision_is_no_certainty(wrong: dict[str, int]) -> None:
    curve = predictive_curve(counted(tp=30, tn=60, **wrong), 0.5, [0.01])
    value = curve.ppv[0] if wrong["fp"] == 0 else curve.npv[0]
    assert value.estimate == 1.0
    assert value.low < 1.0


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    truth, inside = float(predictive_values(0.8, 0.85, 0.1)[0]), 0
    for _ in range(120):
        tp, fp = rng.binomial(60, 0.8), rng.binomial(120, 0.15)
        cases = counted(tp=tp, fp=fp, tn=120 - fp, fn=60 - tp)
        (found,) = predictive_curve(cases, 0.5, [0.1], resamples=400).ppv
        inside += found.low <= truth <= found.high
    assert 0.87 <= inside / 120 <= 0.995


def test_subjects_with_many_images_widen_the_interval() -> None:
    once = counted(tp=40, fp=10, tn=50, fn=10)
    table = once.known.assign(label=once.labels, probability=once.probability)
    many = pd.concat([table.assign(image=table["image"] + f"-{k}") for k in range(6)])
    copies = read_predictions(many).cases("test")
    widths = [
        (found := predictive_curve(cases, 0.5, [0.1]).ppv[0]).high - found.low
        for cases in (once, copies)
    ]
    assert widths[1] == pytest.approx(widths[0], rel=0.1)


def test_without_a_class_there_is_no_predictive_value() -> None:
    curve = predictive_curve(counted(tp=0, fp=3, tn=7, fn=0), 0.5, [0.1])
    assert np.isnan(curve.ppv[0].estimate)
    assert np.isnan(curve.ppv[0].low)
