"""Figures of several starts on the same real images, with what draws of subjects make of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import roc_auc_score

from vmcore.data import label_numbers

_SEED = 0
_AGAINST = {"all normal": None, "same source": "findings", "hc18": "hc18", "screening": "screening"}


def figures_of(
    table: pd.DataFrame, answers: Mapping[str, pd.DataFrame], draws: int = 1000
) -> dict[str, object]:
    """Areas under the ROC curve out of fold on real images, and differences from the first start.

    Args:
        table: the study.
        answers: row and probability by the start's name.
        draws: of subjects.

    Returns:
        for each start and each group of normal images the area and the middle 95 % of the draws
        of subjects, and the same of its difference from the first start.
    """
    labels, real = label_numbers(table), (table["source"] != "phantom").to_numpy()
    said = {name: _by_row(one, len(table)) for name, one in answers.items()}
    rows = np.flatnonzero(real & ~np.isnan(np.stack(list(said.values()))).any(0))
    drawn = _draws(table["subject_id"].to_numpy()[rows], rows, draws)
    first = next(iter(said))
    found: dict[str, object] = {"images": len(rows), "positive": int(labels[rows].sum())}
    for against, source in _AGAINST.items():
        group = (labels == 1) | ((table["source"] == source).to_numpy() if source else True)
        areas = {
            name: np.array([_area(labels, one, part[group[part]]) for part in [rows, *drawn]])
            for name, one in said.items()
        }
        found[against] = {
            name: {"auc": _shown(each), "difference": _shown(each - areas[first])}
            for name, each in areas.items()
        }
    return found


def _by_row(answers: pd.DataFrame, count: int) -> npt.NDArray[np.float64]:
    values = np.full(count, np.nan)
    values[answers["row"]] = answers["probability"]
    return values


def _draws(
    subjects: npt.NDArray[np.object_], rows: npt.NDArray[np.int64], count: int
) -> list[npt.NDArray[np.int64]]:
    rng = np.random.default_rng(_SEED)
    groups = [rows[subjects == one] for one in np.unique(subjects)]
    return [
        np.concatenate([groups[index] for index in rng.integers(0, len(groups), len(groups))])
        for _ in range(count)
    ]


def _area(
    labels: npt.NDArray[np.int64],
    probability: npt.NDArray[np.float64],
    rows: npt.NDArray[np.int64],
) -> float:
    if len(set(labels[rows])) < 2:
        return float("nan")
    return float(roc_auc_score(labels[rows], probability[rows]))


def _shown(values: npt.NDArray[np.float64]) -> list[float]:
    low, high = np.nanpercentile(values[1:], [2.5, 97.5])
    return [round(float(one), 3) for one in (values[0], low, high)]
