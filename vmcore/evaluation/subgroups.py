"""Figures by device, site, gestational age, severity and source, where the manifest knows them.

And by what was measured in the images when they were prepared: width, side, and whether the plane fits.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from vmcore.anatomy import grade
from vmcore.evaluation.intervals import Interval, wilson
from vmcore.evaluation.metrics import binary_metrics
from vmcore.evaluation.predictions import CaseSet

_PLAIN = {
    "device": "device",
    "site": "site",
    "source": "source",
    "finding": "finding",
    "measured_plane": "plane, as measured",
    "measured_side": "side, as measured",
}
_WEEK_EDGES = (0.0, 18.0, 20.0, 22.0, 24.0, np.inf)
_WEEK_WORDS = (
    "under 18 weeks",
    "18 to 19 weeks",
    "20 to 21 weeks",
    "22 to 23 weeks",
    "24 weeks on",
)
_SEVERITY = {  # by ISUOG's class
    "normal": "under 10 mm",
    "mild": "10 to 12 mm (mild)",
    "moderate": "over 12, under 15 mm (moderate)",
    "severe": "15 mm and over (severe)",
}
_WIDTHS = {"atrial_width_mm": "atrial width", "measured_width_mm": "atrial width, as measured"}
_MOST_GROUPS = 30
_SHARE_EDGES = (0.0, 0.15, 0.2, np.inf)  # of the head's short axis
_SHARE_WORDS = (
    "under 0.15 of the head",
    "0.15 to 0.2 of the head",
    "0.2 of the head and more",
)
_RANGES: dict[str, tuple[str, tuple[float, ...], tuple[str, ...]]] = {
    "gestational_age_weeks": ("gestational age", _WEEK_EDGES, _WEEK_WORDS),
    "measured_width_share": ("atrial width by the head, as measured", _SHARE_EDGES, _SHARE_WORDS),
}
TEXT_COLUMNS = tuple(_PLAIN)
"""Columns whose values name the groups."""
SUBGROUP_COLUMNS = (*_PLAIN, *_RANGES, *_WIDTHS)
"""Columns of predictions that cases are grouped by."""


def severity(width_mm: float) -> str:
    """ISUOG's class of an atrial width in mm (2020)."""
    return "unknown" if np.isnan(width_mm) else _SEVERITY[grade(width_mm)]


def subgroup_rows(cases: CaseSet, threshold: float) -> list[dict[str, Any]]:
    """One row a group: cases, recall and specificity with Wilson's interval, AUC.

    Groupings with fewer than two groups tell nothing and are left out; so are cases of which a
    grouping is not known.
    """
    rows = []
    for title, groups in _groupings(cases.known):
        names = [name for name in pd.unique(groups.dropna()) if str(name)]
        if not 2 <= len(names) <= _MOST_GROUPS:
            continue
        ordered = sorted(names, key=lambda name: (_place(str(name)), str(name)))
        rows += [
            _row(title, str(name), cases, (groups == name).to_numpy(), threshold)
            for name in ordered
        ]
    return rows


def _groupings(known: pd.DataFrame) -> Iterator[tuple[str, pd.Series]]:
    for column, title in _PLAIN.items():
        if column in known:
            yield title, known[column].astype("object").where(known[column].notna(), None)
    for column, (title, edges, words) in _RANGES.items():
        if column in known:
            values = pd.to_numeric(known[column], errors="coerce")
            cut = pd.cut(values, list(edges), right=False, labels=list(words))
            yield title, cut.astype("object")
    for column, title in _WIDTHS.items():
        if column in known:
            widths = pd.to_numeric(known[column], errors="coerce")
            yield title, widths.map(severity, na_action="ignore").astype("object")


def _place(name: str) -> int:
    words = [*_WEEK_WORDS, *_SEVERITY.values(), *_SHARE_WORDS]
    return words.index(name) if name in words else -1


def _row(
    title: str, name: str, cases: CaseSet, inside: np.ndarray, threshold: float
) -> dict[str, Any]:
    figures = binary_metrics(cases.labels[inside], cases.probability[inside], threshold)
    tp, fp, tn, fn = (int(figures[key]) for key in ("tp", "fp", "tn", "fn"))
    return {
        "grouped by": title,
        "group": name,
        "normal": tn + fp,
        "ventriculomegaly": tp + fn,
        "recall": _words(wilson(tp, tp + fn)),
        "specificity": _words(wilson(tn, tn + fp)),
        "auc": None if np.isnan(figures["auc"]) else round(figures["auc"], 4),
    }


def _words(interval: Interval) -> str | None:
    return None if np.isnan(interval.estimate) else str(interval)
