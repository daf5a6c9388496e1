"""Read numbers out of a header that may hold anything."""

from __future__ import annotations

import math
from collections.abc import Iterable

from pydicom import Dataset


def numbers(dataset: Dataset, keyword: str) -> tuple[float, ...]:
    """An element's values as numbers.

    Returns:
        Nothing where the element is missing or empty; NaN for each value that is no number
        (text, a decimal comma, a unit).
    """
    try:
        value = dataset.get(keyword, None)
    except Exception:  # pydicom converts on access and fails in as many ways as there are values
        return (math.nan,)
    if value is None or value == "":
        return ()
    values = (
        value if isinstance(value, Iterable) and not isinstance(value, str | bytes) else [value]
    )
    return tuple(_number(one) for one in values)


def whole_number(dataset: Dataset, keyword: str) -> int | None:
    """An element's first value as a whole number; None where it is missing or no such number."""
    first = next(iter(numbers(dataset, keyword)), math.nan)
    return int(first) if math.isfinite(first) and first == int(first) else None


def _number(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return math.nan
