"""Tables as people read them."""

from __future__ import annotations

from vmcore.evaluation import ALL_METRICS
from vmcore.reporting import shown_table
from vmcore.reporting.shown import FIGURE_NAMES


def test_figures_have_their_usual_names_and_a_dash_where_there_are_none() -> None:
    rows = [
        {"fold": 1, "accuracy": 0.91239, "npv": None, "mcc": float("nan"), "auc": 0.5},
        {"fold": "SD", "accuracy": 0.0, "npv": 1.0, "mcc": -0.25, "auc": None},
    ]
    table = shown_table(rows)
    assert list(table.columns) == ["fold", "AUC", "Accuracy", "NPV", "MCC"]
    assert table.iloc[0].tolist() == [1, "0.500", "0.912", "–", "–"]
    assert table.iloc[1].tolist() == ["SD", "–", "0.000", "1.000", "-0.250"]


def test_every_figure_has_a_name_for_people() -> None:
    assert set(ALL_METRICS) <= set(FIGURE_NAMES)


def test_a_column_of_figures_is_named_too_and_words_stay() -> None:
    rows = [{"figure": "average precision", "95 %": "0.1 to 0.2", "together": 0.5},
            {"figure": "of something else", "95 %": "", "together": None}]  # fmt: skip
    table = shown_table(rows)
    assert table["figure"].tolist() == ["Average precision", "of something else"]
    assert table["95 %"].tolist() == ["0.1 to 0.2", "–"]
    assert table["together"].tolist() == ["0.500", "–"]
