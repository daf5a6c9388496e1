"""Tables for the page, CSV and LaTeX: models side by side, the published ones set apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from vmcore.evaluation import (
    PAPER_METRICS,
    Interval,
    OperatingPredictions,
    PredictiveCurve,
    Split,
    fold_table,
)
from vmcore.evaluation.published import SOURCE, published

_LATEX_SIGNS = str.maketrans(
    {sign: f"\\{sign}" for sign in "%_&#${}"}
    | {"±": r"$\pm$", "–": "--", "\\": r"\textbackslash{}", "^": r"\textasciicircum{}"}
    | {"~": r"\textasciitilde{}"}
)


def model_table(models: Sequence[OperatingPredictions], split: Split) -> pd.DataFrame:
    """Own models as in Tables 2 and 3: mean ± SD over folds in per cent, a row a model."""
    return pd.DataFrame([_row(operating, split) for operating in models])


def _row(operating: OperatingPredictions, split: Split) -> dict[str, Any]:
    table = operating.predictions.table
    rows = fold_table(table[table["split"] == split], operating.threshold)
    mean, spread = rows[-2], rows[-1]
    row: dict[str, Any] = {"model": operating.name}
    for name in PAPER_METRICS:
        if mean[name] is None:
            row[name] = "–"
            continue
        around = "" if spread[name] is None else f" ± {100 * spread[name]:.2f}"
        row[name] = f"{100 * mean[name]:.2f}{around}"
    return row


def published_table(split: Split) -> pd.DataFrame:
    """The paper's rows in the same columns, for reference."""
    table = published(split)
    table["model"] = table["model"] + " (published)"
    figures = table[list(PAPER_METRICS)].map("{:.2f}".format)
    return pd.concat([table[["model"]], figures], axis=1)


def predictive_table(curve: PredictiveCurve) -> pd.DataFrame:
    """PPV and NPV at each prevalence of a curve, with intervals and what these are."""
    rows = [
        {
            "prevalence": f"{share:.2%}",
            "figure": name,
            "value": "–" if np.isnan(value.estimate) else f"{value.estimate:.1%}",
            "95 %": ends_in_percent(value),
            "interval": method,
        }
        for name, values, method in (
            ("PPV", curve.ppv, curve.ppv_method),
            ("NPV", curve.npv, curve.npv_method),
        )
        for share, value in zip(curve.prevalence, values, strict=True)
    ]
    return pd.DataFrame(rows)


def ends_in_percent(interval: Interval) -> str:
    """An interval's ends in per cent; a dash where there are none."""
    if np.isnan(interval.low) or np.isnan(interval.high):
        return "–"
    return f"{interval.low:.1%} to {interval.high:.1%}"


def latex(table: pd.DataFrame, caption: str) -> str:
    """A table as LaTeX (booktabs), special characters escaped, the published source as a note."""
    shown = table.copy()
    shown.columns = [_escaped(str(name).replace("_", " ")) for name in shown.columns]
    text = shown.map(lambda value: "" if pd.isna(value) else _escaped(str(value)))
    body = text.to_latex(index=False, escape=False, caption=_escaped(caption), position="ht")
    note = f"% {SOURCE}\n" if text.astype(str).map(lambda v: "published" in v).any().any() else ""
    return note + body


def _escaped(text: str) -> str:
    return text.translate(_LATEX_SIGNS)
