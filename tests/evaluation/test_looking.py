"""Whether a heatmap lies where it should."""

from __future__ import annotations

import numpy as np
import pytest

from vmcore.evaluation.looking import mass_within, points_into


def region() -> np.ndarray:
    inside = np.zeros((20, 30), bool)
    inside[5:10, 10:20] = True
    return inside


def test_an_even_map_has_the_regions_share_of_area() -> None:
    assert mass_within(np.full((20, 30), 0.3), region()) == pytest.approx(50 / 600)


def test_a_map_in_the_region_has_all_its_mass_there() -> None:
    assert mass_within(region().astype(np.float32), region()) == 1.0
    assert mass_within((~region()).astype(np.float32), region()) == 0.0


def test_an_empty_map_has_no_share() -> None:
    assert np.isnan(mass_within(np.zeros((20, 30)), region()))


def test_the_pointing_game_asks_for_the_highest_place() -> None:
    heatmap = np.zeros((20, 30))
    heatmap[0, 0] = 0.9
    assert not points_into(heatmap, region())
    heatmap[7, 15] = 1.0
    assert points_into(heatmap, region())


def test_a_tie_outside_is_a_miss() -> None:
    heatmap = np.zeros((20, 30))
    heatmap[7, 15] = heatmap[0, 0] = 1.0
    assert not points_into(heatmap, region())


@pytest.mark.parametrize("heatmap", [np.zeros((3, 3)), np.full((20, 30), -0.1), np.zeros((20,))])
def test_what_is_no_map_is_refused(heatmap: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"alike|from 0 on"):
        mass_within(heatmap, region())
