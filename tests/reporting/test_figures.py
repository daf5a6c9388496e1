"""Probabilities as people read them."""

from __future__ import annotations

from vmcore.reporting.figures import told_apart


def test_a_probability_is_told_apart_from_its_threshold() -> None:
    assert told_apart(0.13, 0.2885) == ("13%", "29%")
    assert told_apart(0.2921, 0.2891) == ("29.2%", "28.9%")
    assert told_apart(0.28912, 0.2891) == ("28.912%", "28.910%")
    assert told_apart(0.2885, 0.2885) == ("29%", "29%")
