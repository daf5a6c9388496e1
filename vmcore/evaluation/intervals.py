"""95 % intervals: Wilson for proportions, bootstrap by subject with bias correction (BCa)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

Weights = npt.NDArray[np.float64]
Statistic = Callable[[Weights], npt.NDArray[np.float64]]

RESAMPLES = 2000
_JACKKNIFE_GROUPS = 200
_CHUNK = 1_000_000  # numbers that a chunk of resamples may hold


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and the interval around it; both ends NaN where none can be given."""

    estimate: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.estimate:.3f} ({self.low:.3f} to {self.high:.3f})"  # noqa: RUF100


def wilson(successes: int, trials: int, level: float = 0.95) -> Interval:
    """Wilson's score interval of a proportion (Wilson 1927); NaN without trials."""
    if not trials:
        return Interval(np.nan, np.nan, np.nan)
    found = stats.binomtest(successes, trials).proportion_ci(level, method="wilson")
    return Interval(successes / trials, float(found.low), float(found.high))


def resample(
    statistic: Statistic, subjects: int, *, resamples: int = RESAMPLES, seed: int = 0
) -> npt.NDArray[np.float64]:
    """Draw whole subjects with replacement and compute figures from each draw.

    Args:
        statistic: from weights (R, S), how often each of S subjects was drawn, to figures (R, K).
        subjects: S.
        resamples: draws.
        seed: of the draws.

    Returns:
        (resamples, K).
    """
    generator = np.random.default_rng(seed)
    chunk = max(_CHUNK // max(subjects, 1), 1)
    parts = []
    for start in range(0, resamples, chunk):
        rows = min(chunk, resamples - start)
        drawn = generator.integers(0, subjects, (rows, subjects))
        drawn += np.arange(rows)[:, None] * subjects
        counts = np.bincount(drawn.ravel(), minlength=rows * subjects).reshape(rows, subjects)
        parts.append(statistic(counts.astype(np.float64)))
    return np.concatenate(parts)


def bca_intervals(
    statistic: Statistic,
    subjects: int,
    *,
    resamples: int = RESAMPLES,
    level: float = 0.95,
    seed: int = 0,
) -> list[Interval]:
    """Bias-corrected and accelerated bootstrap intervals (Efron 1987), subjects resampled whole.

    The acceleration comes from leaving out one subject at a time, or one of 200 groups of subjects
    where there are more.

    Args:
        statistic: from weights (R, S) to figures (R, K); NaN where a figure is not defined.
        subjects: S.
        resamples: bootstrap draws.
        level: coverage, 0..1.
        seed: of the draws.

    Returns:
        K intervals; NaN ends where draws do not vary or a figure is undefined.
    """
    estimate = statistic(np.ones((1, subjects)))[0]
    draws = resample(statistic, subjects, resamples=resamples, seed=seed)
    left_out = _jackknife(statistic, subjects)
    return [
        _bca(float(estimate[k]), draws[:, k], left_out[:, k], level) for k in range(len(estimate))
    ]


def _jackknife(statistic: Statistic, subjects: int) -> npt.NDArray[np.float64]:
    groups = min(subjects, _JACKKNIFE_GROUPS)
    weights = np.ones((groups, subjects))
    weights[np.arange(subjects) % groups, np.arange(subjects)] = 0.0
    chunk = max(_CHUNK // max(subjects, 1), 1)
    return np.concatenate(
        [statistic(weights[start : start + chunk]) for start in range(0, groups, chunk)]
    )


def _bca(
    estimate: float, draws: npt.NDArray[np.float64], left_out: npt.NDArray[np.float64], level: float
) -> Interval:
    draws, left_out = draws[~np.isnan(draws)], left_out[~np.isnan(left_out)]
    nothing = Interval(estimate, np.nan, np.nan)
    if np.isnan(estimate) or len(draws) < 2 or np.ptp(draws) == 0:
        return nothing
    below = ((draws < estimate).mean() + (draws <= estimate).mean()) / 2
    bias = stats.norm.ppf(below)
    away = left_out.mean() - left_out
    spread = (away**2).sum()
    acceleration = (away**3).sum() / (6 * spread**1.5) if spread > 0 else 0.0
    ends = []
    for tail in ((1 - level) / 2, (1 + level) / 2):
        shifted = bias + stats.norm.ppf(tail)
        ends.append(stats.norm.cdf(bias + shifted / (1 - acceleration * shifted)))
    if not np.isfinite(ends).all():
        return nothing
    low, high = np.quantile(draws, ends)
    return Interval(estimate, float(low), float(high))
