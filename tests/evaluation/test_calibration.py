"""Calibration against statsmodels and scikit-learn, and what mending must do."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit, logit
from sklearn.calibration import _SigmoidCalibration, calibration_curve

from vmcore.evaluation import calibration_figures, fit_calibration, reliability
from vmcore.models import Calibration


def too_sure(count: int = 4000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Truth drawn from log odds z, and probabilities that claim 2.5 z + 0.7."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(-0.5, 1.2, count)
    return (rng.random(count) < expit(odds)).astype(int), expit(2.5 * odds + 0.7)


def test_reliability_equals_scikit_learns() -> None:
    truth, said = too_sure()
    for equal, strategy in (("width", "uniform"), ("count", "quantile")):
        observed, predicted = calibration_curve(truth, said, n_bins=10, strategy=strategy)
        ours = reliability(truth, said, equal=equal)
        assert [part.observed for part in ours] == pytest.approx(list(observed), abs=2e-3)
        assert [part.predicted for part in ours] == pytest.approx(list(predicted), abs=2e-3)
        assert sum(part.count for part in ours) == len(truth)


def test_slope_and_intercept_equal_statsmodels() -> None:
    truth, said = too_sure(600)
    found = calibration_figures(truth, said)
    slope = sm.Logit(truth, sm.add_constant(logit(said))).fit(disp=0).params[1]
    offset = sm.GLM(
        truth, np.ones(len(truth)), family=sm.families.Binomial(), offset=logit(said)
    ).fit()
    assert found.slope == pytest.approx(slope, abs=1e-3)
    assert found.intercept == pytest.approx(offset.params[0], abs=1e-4)


def test_ece_and_brier_of_a_known_case() -> None:
    found = calibration_figures([0, 1, 1, 1], [0.25, 0.25, 0.85, 0.85])
    assert found.ece == pytest.approx(0.5 * 0.25 + 0.5 * 0.15)
    assert found.brier == pytest.approx((0.25**2 + 0.75**2 + 2 * 0.15**2) / 4)


def test_platt_equals_scikit_learns() -> None:
    truth, said = too_sure(500)
    theirs = _SigmoidCalibration().fit(logit(said), truth)
    ours = fit_calibration(truth, said, "platt")
    assert ours.slope == pytest.approx(-theirs.a_, rel=1e-3)
    assert ours.intercept == pytest.approx(-theirs.b_, abs=1e-3)


def test_temperature_is_the_likeliest_divisor() -> None:
    truth, said = too_sure()
    fitted = fit_calibration(truth, said, "temperature")
    slope = sm.Logit(truth, logit(said)[:, None]).fit(disp=0).params[0]
    assert fitted.slope == pytest.approx(slope, rel=1e-3)
    assert fitted.temperature == pytest.approx(1 / slope, rel=1e-3)


@pytest.mark.parametrize("method", ["temperature", "platt"])
def test_probabilities_that_fall_with_truth_are_not_calibrated(method) -> None:
    truth, said = too_sure()
    with pytest.raises(ValueError, match="fall where truth rises"):
        fit_calibration(1 - truth, said, method)


def test_mended_probabilities_hold_on_other_images() -> None:
    truth, said = too_sure()
    fitted = fit_calibration(truth, said)
    fresh_truth, fresh = too_sure(seed=1)
    before = calibration_figures(fresh_truth, fresh)
    after = calibration_figures(fresh_truth, fitted.apply(fresh))
    assert after.brier < before.brier
    assert after.ece < before.ece / 3
    assert after.slope == pytest.approx(1, abs=0.1)
    order = np.argsort(fresh)
    assert (np.diff(fitted.apply(fresh)[order]) >= 0).all()


def test_separable_classes_get_a_finite_map() -> None:
    fitted = fit_calibration([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])
    assert np.isfinite([fitted.slope, fitted.intercept]).all()
    assert np.isnan(calibration_figures([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]).slope)


def test_what_cannot_be_mended_is_said() -> None:
    with pytest.raises(ValueError, match="both classes"):
        fit_calibration([1, 1], [0.3, 0.4])
    with pytest.raises(ValueError, match="fall where truth rises"):
        fit_calibration([1] * 20 + [0] * 20, [0.1] * 20 + [0.9] * 20)


def test_extremes_stay_inside_and_unknown_stays_unknown() -> None:
    got = Calibration(method="platt", slope=2, intercept=0).apply([0.0, 1.0, 0.5, np.nan])
    assert 0 <= got[0] < 1e-6
    assert 1 - 1e-6 < got[1] <= 1
    assert got[2] == pytest.approx(0.5)
    assert np.isnan(got[3])


def test_a_calibration_can_be_taken_back() -> None:
    fitted = Calibration(method="platt", slope=1.7, intercept=-0.4)
    said = np.array([0.01, 0.3, 0.99])
    np.testing.assert_allclose(fitted.invert(fitted.apply(said)), said, atol=1e-9)


@pytest.mark.parametrize(
    ("truth", "values"),
    [
        ([0, 0, 0, 1, 1, 1], [0.1, 0.2, 0.5, 0.5, 0.8, 0.9]),  # a tie where the classes meet
        ([0, 0, 0, 1, 1, 1], [0.1, 0.2, 0.3, 0.6, 0.8, 0.9]),
        ([1, 1, 1, 0, 0, 0], [0.1, 0.2, 0.3, 0.6, 0.8, 0.9]),
    ],
)
def test_classes_that_can_be_told_apart_have_no_slope(
    truth: list[int], values: list[float]
) -> None:
    assert np.isnan(calibration_figures(truth, values).slope)
