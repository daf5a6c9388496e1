"""Tables for spreadsheets, in which text stays text."""

from __future__ import annotations

import re

import pandas as pd

_FORMULA = tuple("=+-@\t\r\n＝＋－＠")  # what spreadsheets take a cell that starts so for
_SPLIT_OFF = re.compile(r"([;\t]\s*)(?=[=+\-@])")  # a formula for those that part cells so
_NUMBER = re.compile(r"[-+]?[\d.,]+%?( \([^()=@]*\))?")  # one, perhaps with its interval


def as_csv(table: pd.DataFrame) -> str:
    """A table as CSV; text that a spreadsheet would run as a formula gets an apostrophe before it.

    Args:
        table: numbers stay as they are, also negative ones.
    """
    return table.rename(columns=_as_text).map(_as_text).to_csv(index=False)


def for_spreadsheets(csv: str) -> bytes:
    """CSV as a file to be opened: in UTF-8, with the mark without which Excel takes it for another code."""
    return csv.encode("utf-8-sig")


def _as_text(value: object) -> object:
    if not isinstance(value, str):
        return value
    # a lone carriage return ends a line for some readers, and its rest would be a cell of its own
    acts = value.startswith(_FORMULA) and not _NUMBER.fullmatch(value)
    return ("'" if acts else "") + _SPLIT_OFF.sub(r"\1'", value.replace("\r", " "))
