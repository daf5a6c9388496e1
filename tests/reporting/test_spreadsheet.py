"""Text from outside stays text in a spreadsheet."""

from __future__ import annotations

import io

import pandas as pd
import pytest

from vmcore.reporting.spreadsheet import as_csv


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_begins_as_a_formula(start: str) -> None:
    table = pd.DataFrame({start + "head": [start + "cmd|' /C calc'!A0", "GE Voluson"]})
    back = pd.read_csv(io.StringIO(as_csv(table)), dtype=str, keep_default_na=False)
    assert [*back.columns, *back.iloc[:, 0]] == [
        f"'{start}head".replace("\r", " "), f"'{start}cmd|' /C calc'!A0".replace("\r", " "),
        "GE Voluson",
    ]  # fmt: skip


def test_numbers_stay_numbers() -> None:
    table = pd.DataFrame({"a": [-1.5, 2.0], "b": [-3, 4], "c": [None, True]})
    assert as_csv(table) == table.to_csv(index=False)


def test_nothing_runs_for_spreadsheets_that_part_cells_at_a_semicolon() -> None:
    text = as_csv(pd.DataFrame({"name": ["x;=HYPERLINK(1)", "a; b", "y\t@SUM(1)"]}))
    assert text.splitlines()[1:] == ["x;'=HYPERLINK(1)", "a; b", "y\t'@SUM(1)"]
