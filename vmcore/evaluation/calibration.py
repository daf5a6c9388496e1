"""Whether probabilities hold: reliability, Brier score, ECE, slope and intercept, and mending them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import optimize
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss

from vmcore.evaluation.intervals import wilson
from vmcore.evaluation.metrics import Labels, checked
from vmcore.models.calibration import Calibration, logit

_BINS = 10
_STEEPEST = 50.0
_FLATTEST = (
    1.01 / _STEEPEST
)  # a temperature is sought no flatter; Platt's slope may be, or negative


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Cases of similar probability: how many, what was said, what was so (Wilson's 95 %)."""

    count: int
    predicted: float
    observed: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class CalibrationFigures:
    """How well probabilities hold.

    Attributes:
        brier: mean squared error, 0 best.
        ece: expected calibration error over ten bins of equal width, 0 best.
        slope: of observed on predicted log odds; 1 is right, below 1 too extreme. NaN where the
            classes can be told apart entirely, or one is missing.
        intercept: log odds to be added with the slope held at 1; 0 is right, below 0 too high.
    """

    brier: float
    ece: float
    slope: float
    intercept: float


def reliability(
    y_true: Labels, probability: npt.ArrayLike, *, bins: int = _BINS, equal: str = "width"
) -> list[ReliabilityBin]:
    """Cases in bins of equal width or of equal count; empty bins are left out.

    Args:
        y_true: (N,), 0 or 1.
        probability: (N,), in [0, 1].
        bins: how many.
        equal: "width" or "count".
    """
    truth, values = checked(y_true, probability)
    edges = np.linspace(0, 1, bins + 1)
    if equal == "count":
        edges = np.unique(np.quantile(values, edges))
    place = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, max(len(edges) - 2, 0))
    found = []
    for number in np.unique(place):
        inside = place == number
        share = wilson(int(truth[inside].sum()), int(inside.sum()))
        found.append(
            ReliabilityBin(
                int(inside.sum()),
                float(values[inside].mean()),
                share.estimate,
                share.low,
                share.high,
            )
        )
    return found


def calibration_figures(y_true: Labels, probability: npt.ArrayLike) -> CalibrationFigures:
    """Brier score, expected calibration error, calibration slope and intercept (Cox 1958)."""
    truth, values = checked(y_true, probability)
    parts = reliability(truth, values)
    ece = sum(p.count * abs(p.predicted - p.observed) for p in parts) / len(truth)
    odds = logit(values)
    return CalibrationFigures(
        brier=float(brier_score_loss(truth, values)),
        ece=float(ece),
        slope=_slope(truth, odds),
        intercept=_intercept(truth, odds),
    )


def _slope(truth: npt.NDArray[np.int64], odds: npt.NDArray[np.float64]) -> float:
    sick, well = odds[truth == 1], odds[truth == 0]
    if not len(sick) or not len(well) or np.ptp(odds) == 0:
        return float("nan")
    if sick.min() >= well.max() or sick.max() <= well.min():  # no slope is steep enough
        return float("nan")
    fit = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000).fit(odds[:, None], truth)
    return float(fit.coef_[0, 0])


def _intercept(truth: npt.NDArray[np.int64], odds: npt.NDArray[np.float64]) -> float:
    if len(np.unique(truth)) < 2:
        return float("nan")
    return float(optimize.brentq(lambda add: (truth - expit(odds + add)).sum(), -40, 40))


def fit_calibration(
    y_true: Labels,
    probability: npt.ArrayLike,
    method: Literal["temperature", "platt"] = "platt",
) -> Calibration:
    """Fit a map on validation images that makes their probabilities hold.

    Temperature scaling (Guo et al. 2017) finds one divisor of the log odds by likelihood. Platt
    scaling (Platt 1999) finds slope and intercept against his smoothed targets, so that classes
    which can be told apart entirely get a finite map.

    Raises:
        ValueError: as :func:`binary_metrics`, one class only, or probabilities that fall with truth.
    """
    truth, values = checked(y_true, probability)
    positives = int(truth.sum())
    negatives = len(truth) - positives
    if not positives or not negatives:
        raise ValueError("A calibration can be fitted only where both classes are present.")
    odds = logit(values)
    if method == "temperature":
        slope, intercept = _temperature(truth, odds), 0.0
    else:
        target = np.where(truth == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))
        slope, intercept = _platt(target, odds)
    if slope <= (_FLATTEST if method == "temperature" else 0):
        raise ValueError("The probabilities fall where truth rises; no calibration can mend that.")
    return Calibration(method=method, slope=slope, intercept=intercept)


def _loss(target: npt.NDArray[np.float64], score: npt.NDArray[np.float64]) -> float:
    return float((np.logaddexp(0, score) - target * score).mean())


def _temperature(truth: npt.NDArray[np.int64], odds: npt.NDArray[np.float64]) -> float:
    target = truth.astype(np.float64)
    found = optimize.minimize_scalar(
        lambda log_slope: _loss(target, np.exp(log_slope) * odds),
        bounds=(-np.log(_STEEPEST), np.log(_STEEPEST)),
        method="bounded",
        options={"xatol": 1e-8},
    )
    return float(np.exp(found.x))


def _platt(target: npt.NDArray[np.float64], odds: npt.NDArray[np.float64]) -> tuple[float, float]:
    def loss_and_slope(
        place: npt.NDArray[np.float64],
    ) -> tuple[float, npt.NDArray[np.float64]]:
        score = place[0] * odds + place[1]
        away = expit(score) - target
        return _loss(target, score), np.array([(away * odds).mean(), away.mean()])

    found = optimize.minimize(loss_and_slope, np.array([1.0, 0.0]), jac=True, method="BFGS")
    return float(found.x[0]), float(found.x[1])
