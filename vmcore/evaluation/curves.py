"""ROC and precision-recall curves of every fold, with their mean and spread (the paper's Fig. 5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn import metrics

from vmcore.evaluation.predictions import CaseSet

Line = npt.NDArray[np.float64]
_GRID = np.linspace(0, 1, 201)
_MOST_POINTS = 400


@dataclass(frozen=True, slots=True)
class FoldCurve:
    """One fold's curve, x and y (P,), and the area under it."""

    fold: int
    x: Line
    y: Line
    area: float


@dataclass(frozen=True, slots=True)
class CurveBand:
    """Curves of all folds that have both classes, and their mean at equal places of x.

    Attributes:
        folds: one curve each.
        x: (201,), 0..1.
        mean: (201,), mean of the folds' y.
        spread: (201,), their standard deviation; 0 for a single fold.
        area: mean of the folds' areas, NaN without any.
        area_spread: their standard deviation, NaN for a single fold.
    """

    folds: tuple[FoldCurve, ...]
    x: Line
    mean: Line
    spread: Line
    area: float
    area_spread: float


def roc_band(cases: CaseSet) -> CurveBand:
    """True positive rate over false positive rate."""

    def curve(truth: npt.NDArray[np.int64], values: Line) -> tuple[Line, Line, float]:
        false_rate, true_rate, _ = metrics.roc_curve(truth, values)
        return false_rate, true_rate, float(metrics.roc_auc_score(truth, values))

    return _band(cases, curve, lambda x, y: np.interp(_GRID, x, y))


def pr_band(cases: CaseSet) -> CurveBand:
    """Precision over recall; the area is the average precision."""

    def curve(truth: npt.NDArray[np.int64], values: Line) -> tuple[Line, Line, float]:
        precision, recall, _ = metrics.precision_recall_curve(truth, values)
        area = float(metrics.average_precision_score(truth, values))
        return recall[::-1], precision[::-1], area

    def at_grid(x: Line, y: Line) -> Line:
        # between two thresholds precision is not linear: take the step that is reached
        return y[np.minimum(np.searchsorted(x, _GRID, side="left"), len(x) - 1)]

    return _band(cases, curve, at_grid)


def _band(
    cases: CaseSet,
    curve: Callable[[npt.NDArray[np.int64], Line], tuple[Line, Line, float]],
    at_grid: Callable[[Line, Line], Line],
) -> CurveBand:
    found, lines = [], []
    for place, fold in enumerate(cases.folds):
        judged = ~np.isnan(cases.by_fold[:, place])
        truth, values = cases.labels[judged], cases.by_fold[judged, place]
        if 0 < truth.sum() < len(truth):
            x, y, area = curve(truth, values)
            lines.append(at_grid(x, y))
            found.append(FoldCurve(fold, *_thinned(x, y), area))
    if not found:
        nothing = np.full_like(_GRID, np.nan)
        return CurveBand((), _GRID, nothing, nothing, float("nan"), float("nan"))
    areas = np.array([one.area for one in found])
    several = len(found) > 1
    return CurveBand(
        folds=tuple(found),
        x=_GRID,
        mean=np.mean(lines, axis=0),
        spread=np.std(lines, axis=0, ddof=1) if several else np.zeros_like(_GRID),
        area=float(areas.mean()),
        area_spread=float(areas.std(ddof=1)) if several else float("nan"),
    )


def _thinned(x: Line, y: Line) -> tuple[Line, Line]:
    """At most 400 points, which is more than a screen can tell apart."""
    if len(x) <= _MOST_POINTS:
        return x, y
    keep = np.unique(np.linspace(0, len(x) - 1, _MOST_POINTS).astype(int))
    return x[keep], y[keep]
