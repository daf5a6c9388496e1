"""How probabilities are written: never rounded to 0 or 1 where they are neither."""

from __future__ import annotations

import math

_MOST_PLACES = 17


def percent(probability: float) -> str:
    """In per cent with as many places as tell it from 0 and 100: 29%, 0.0003%, 99.99993%."""
    return f"{100 * probability:.{_places(probability, 0, 100)}f}%"


def told_apart(one: float, other: float) -> tuple[str, str]:
    """Both in per cent, with as many places as show that they are not the same: 28.9% and 29.2%."""
    said = percent(one), percent(other)
    for places in range(1, _MOST_PLACES):
        if said[0] != said[1] or one == other:
            break
        said = f"{100 * one:.{places}f}%", f"{100 * other:.{places}f}%"
    return said


def decimal(probability: float, places: int = 4) -> str:
    """With so many places, and more where they are needed: 0.2901, 0.0000030, 0.99999930."""
    return f"{probability:.{_places(probability, places, 1)}f}"


def _places(probability: float, places: int, scale: float) -> int:
    rest = min(probability, 1 - probability) * scale
    if not rest > 0:
        return places
    needed = math.ceil(-math.log10(rest)) + (scale == 1)
    return min(max(places, needed), _MOST_PLACES)
