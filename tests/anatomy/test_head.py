"""The skull's ellipse against geometry."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ellipe

from vmcore.anatomy import HeadEllipse


@pytest.mark.parametrize(("long", "short"), [(50.0, 50.0), (60.0, 45.0), (80.0, 40.0)])
def test_the_circumference_is_the_elliptic_integral(long: float, short: float) -> None:
    exact = 4 * long * ellipe(1 - (short / long) ** 2)
    assert HeadEllipse((0, 0), (long, short), 0.3).circumference == pytest.approx(exact, rel=1e-5)


@pytest.mark.parametrize("angle", [-1.4, -0.5, 0.0, 0.7, 1.5])
def test_an_ellipse_is_found_again_from_its_outline(angle: float) -> None:
    drawn = HeadEllipse((120.5, 200.25), (90.0, 70.0), angle)
    found = HeadEllipse.through(drawn.outline())
    np.testing.assert_allclose(found.centre, drawn.centre, atol=0.02)
    np.testing.assert_allclose(found.half_axes, drawn.half_axes, atol=0.02)
    assert np.sin(found.angle - angle) == pytest.approx(0, abs=1e-3)


def test_the_long_axis_comes_first_whatever_the_order() -> None:
    ellipse = HeadEllipse.of_axes((0, 0), (3.0, 5.0), 0.0)
    assert ellipse.half_axes == (5.0, 3.0)
    assert abs(np.cos(ellipse.angle)) == pytest.approx(0, abs=1e-9)
    assert ellipse.biparietal_diameter == 6.0


def test_a_point_is_told_in_shares_of_the_half_axes() -> None:
    ellipse = HeadEllipse((10.0, 20.0), (8.0, 4.0), np.pi / 2)  # upright: long axis down
    along, across = ellipse.level(18.0, 20.0)
    assert (along, across) == (pytest.approx(1.0), pytest.approx(0.0))


def test_too_few_points_are_refused() -> None:
    with pytest.raises(ValueError, match="six points"):
        HeadEllipse.through(np.zeros((5, 2)))
