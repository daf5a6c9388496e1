"""Millimetres from the gestational age."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vmcore.anatomy import (
    Anatomy,
    AtriumCalliper,
    Head,
    HeadEllipse,
    Plane,
    by_gestational_age,
    expected_biparietal_mm,
    is_early,
)
from vmcore.reporting.measurement import why_not_measured

HEAD = Head(HeadEllipse((10.0, 10.0), (9.0, 7.0), 0.0), None, None)


def anatomy(width_mm: float | None = None) -> Anatomy:
    atrium = AtriumCalliper((1.0, 1.0), (9.0, 1.0), 8.0, width_mm, 0.12, 0.006, "far", 0.9)
    return Anatomy(np.zeros((20, 20), np.uint8), None, None, atrium, Plane(0.9, 0.9, fits=True))


def test_heads_grow_and_spread_with_age() -> None:
    means, deviations = zip(*(expected_biparietal_mm(week) for week in range(14, 41)), strict=True)
    assert (np.diff(means) > 0).all()
    assert (np.diff(deviations) > 0).mean() > 0.9
    # 0.44 mm a day before the 33rd week (Persson et al. 1978)
    assert (means[30 - 14] - means[20 - 14]) / 70 == pytest.approx(0.44, abs=0.02)


def test_a_quarter_of_the_weeks_is_the_head_in_centimetres() -> None:
    """Kwon et al. 2016: biparietal diameter in cm is about a quarter of the weeks."""
    for week in (16, 20, 24, 28, 32, 36):
        assert expected_biparietal_mm(week)[0] == pytest.approx(2.5 * week, rel=0.13)


def test_the_width_is_the_share_of_the_expected_head() -> None:
    told = by_gestational_age(anatomy(), 22.0).atrium
    mean, deviation = expected_biparietal_mm(22.0)
    assert told is not None
    assert told.width_mm == pytest.approx(0.12 * mean)
    assert told.millimetres_from == "gestational age"
    assert told.uncertainty == 0.006  # of the share: what the head's age says is not part of it
    relative = np.hypot(0.006 / 0.12, deviation / mean)
    assert told.uncertainty_mm == pytest.approx(0.12 * mean * relative)


def test_millimetres_of_the_file_stay() -> None:
    known = anatomy(width_mm=7.0)
    assert by_gestational_age(known, 22.0) is known


@pytest.mark.parametrize("weeks", [13.9, 40.5, -1.0])
def test_an_age_out_of_range_is_refused(weeks: float) -> None:
    with pytest.raises(ValueError, match="14 to 40 weeks"):
        expected_biparietal_mm(weeks)


def test_under_14_weeks_nothing_is_measured_and_that_is_said() -> None:
    told = by_gestational_age(anatomy(), 12.0)
    assert told.atrium is None
    assert is_early(told)
    assert "said to be under 14 weeks" in why_not_measured(replace(told, head=HEAD))
    assert not is_early(by_gestational_age(anatomy(), 14.0))
    for weeks in (0.0, -2.0, 41.0):
        with pytest.raises(ValueError, match="14 to 40 weeks"):
            by_gestational_age(anatomy(), weeks)
