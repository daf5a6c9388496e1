"""Tables as people read them: figures by their usual names, a dash where there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

FIGURE_NAMES: Mapping[str, str] = {
    "accuracy": "Accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "specificity": "Specificity",
    "f1": "F1",
    "auc": "AUC",
    "balanced_accuracy": "Balanced accuracy",
    "mcc": "MCC",
    "npv": "NPV",
    "average_precision": "Average precision",
}
_NONE = "–"
_FIRST = ("auc", "recall", "specificity")  # after what names the row: they must be seen first


def shown_table(rows: Sequence[Mapping[str, Any]] | pd.DataFrame) -> pd.DataFrame:
    """Rows of figures as text for a page; what names a row comes first, then AUC, recall, specificity.

    Args:
        rows: figures by the names that files use; counts, words and intervals stay as they are.
    """
    table = pd.DataFrame(rows)
    named = [name for name in table.columns if name not in FIGURE_NAMES]
    first = [name for name in _FIRST if name in table.columns]
    rest = [name for name in table.columns if name not in named and name not in first]
    table = table[[*named, *first, *rest]]
    if "figure" in table:
        names = table["figure"].str.replace(" ", "_").map(FIGURE_NAMES)
        table = table.assign(figure=names.fillna(table["figure"]))
    return table.map(_text).rename(columns=dict(FIGURE_NAMES))


def _text(value: Any) -> Any:
    if value is None or value == "" or (isinstance(value, float) and pd.isna(value)):
        return _NONE
    return f"{value:.3f}" if isinstance(value, float) else value
