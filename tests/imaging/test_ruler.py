"""The ruler that scanners draw at a picture's edge."""

from __future__ import annotations

import numpy as np
import pytest

from tests.imaging.ruled import ruled
from vmcore.data.phantom import make_phantom
from vmcore.data.phantom.rulers import Manner
from vmcore.imaging.ruler import find_rulers

SHAPES = [(480, 640), (661, 959), (768, 1024), (420, 560)]


@pytest.mark.parametrize(
    ("manner", "edge", "tick_mm", "every"),
    [
        ("dots", "left", 5.0, {(2,), (2, 10)}),
        ("edge", "left", 5.0, {(2,)}),
        ("centimetres", "right", 10.0, {(5,)}),
        ("plain", "right", 10.0, {()}),
    ],
)
def test_a_ruler_is_found_and_its_ticks_told_apart(
    manner: Manner, edge: str, tick_mm: float, every: set[tuple[int, ...]]
) -> None:
    read = 0
    for number in range(8):
        phantom = ruled(manner, number, SHAPES[number % len(SHAPES)])
        for ruler in find_rulers(phantom.image):
            mm = ruler.pitch_px * phantom.spacing_mm[0]
            assert ruler.edge in {edge, "bottom"}
            assert mm == pytest.approx(tick_mm, rel=0.01) or mm == pytest.approx(10, rel=0.01)
            read += ruler.edge == edge and ruler.every in every
    assert read >= 2  # others lie behind the scan's bright tissue or texts


def test_both_directions_are_read() -> None:
    rulers = find_rulers(ruled("edge", 2, (661, 959)).image)
    assert {ruler.edge for ruler in rulers} == {"left", "bottom"}
    assert {ruler.vertical for ruler in rulers} == {True, False}


@pytest.mark.parametrize("number", range(6))
def test_nothing_else_is_a_ruler(number: int) -> None:
    phantom = make_phantom(7.0, number)
    assert find_rulers(phantom.image) == []


def test_noise_and_empty_pictures_have_none() -> None:
    rng = np.random.default_rng(0)
    assert find_rulers(np.zeros((480, 640, 3), np.uint8)) == []
    for number in range(4):
        grain = rng.integers(0, 40 + 70 * number, (480, 640, 1), dtype=np.uint8)
        assert find_rulers(np.repeat(grain, 3, axis=2)) == []


def test_a_tiny_picture_has_none() -> None:
    assert find_rulers(np.full((16, 16, 3), 200, np.uint8)) == []


def test_stripes_are_not_read_as_a_ruler() -> None:
    stripes = np.zeros((480, 640, 3), np.uint8)
    stripes[::20] = 255  # from edge to edge: no ticks
    assert find_rulers(stripes) == []
