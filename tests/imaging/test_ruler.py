"""The ruler that scanners draw at a picture's edge."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest

from tests.imaging.ruled import ruled
from vmcore.data.phantom import OverlaySettings, make_phantom
from vmcore.data.phantom.rulers import Manner
from vmcore.imaging.ruler import find_rulers

SHAPES = [(480, 640), (661, 959), (768, 1024), (420, 560)]


@pytest.mark.parametrize(
    ("manner", "edge", "tick_mm", "every"),
    [
        ("dots", "left", 5.0, {(2,), (2, 10)}),
        pytest.param("edge", "left", 5.0, {(2,)}, marks=pytest.mark.long),
        pytest.param("centimetres", "right", 10.0, {(5,)}, marks=pytest.mark.long),
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
    overlays = OverlaySettings(
        ellipse=number % 2 == 0, grey=number % 3 == 0, result_box=number % 2 == 1, arrow=True
    )
    phantom = make_phantom(7.0, number, overlays=overlays)
    assert [ruler for ruler in find_rulers(phantom.image) if ruler.every] == []
    assert find_rulers(make_phantom(7.0, number).image) == []


@pytest.mark.parametrize("column", [10, 560])
def test_a_list_of_words_is_no_ruler(column: int) -> None:
    picture = make_phantom(7.0, 1, shape=(480, 640)).image.copy()
    for line in range(12):
        words = f"{line} C{line % 5}/M{line % 7} 2.Trim"[: 6 + line % 6]
        cv2.putText(picture, words, (column, 60 + 24 * line), 0, 0.4, (220, 220, 220), 1)
    assert [ruler for ruler in find_rulers(picture) if ruler.every] == []


def test_two_rulers_of_two_views_are_nobodys() -> None:
    picture = ruled("dots", 1, (661, 959)).image.copy()
    assert [ruler.edge for ruler in find_rulers(picture)] == ["left"]
    for number, row in enumerate(np.arange(70, 655, 41.0)):
        half = 5 if number % 10 == 0 else 2 if number % 2 == 0 else 1
        picture[round(row) - 1 : round(row) + 1, 930 - half : 930 + half] = 255
    assert find_rulers(picture) == []


def test_a_large_noisy_picture_is_looked_through_soon() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (4000, 5000, 1), dtype=np.uint8)
    before = time.process_time()
    find_rulers(np.repeat(noise, 3, axis=2))
    assert time.process_time() - before < 15  # about one second


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
