"""Tables for spreadsheets, in which text stays text."""

from __future__ import annotations

import pandas as pd

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what spreadsheets take a cell that starts so for


def as_csv(table: pd.DataFrame) -> str:
    """A table as CSV; text that a spreadsheet would run as a formula gets an apostrophe before it.

    Args:
        table: numbers stay as they are, also negative ones.
    """
    return table.rename(columns=_as_text).map(_as_text).to_csv(index=False)


def _as_text(value: object) -> object:
    if not isinstance(value, str):
        return value
    # a lone carriage return ends a line for some readers, and its rest would be a cell of its own
    return ("'" if value.startswith(_FORMULA) else "") + value.replace("\r", " ")
