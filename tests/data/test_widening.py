"""Widening a ventricle: what moves, by how much, and what stays."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from vmcore.data.phantom import make_phantom
from vmcore.data.widening import widen_ventricle

MIDDLE, WIDTH, LENGTH = (200.0, 150.0), 30.0, 70.0


def rectangle(degrees: float = 90.0) -> npt.NDArray[np.float64]:
    """Corners whose first side, the calliper, lies at that angle."""
    across = np.array([np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))])
    along = np.array([-across[1], across[0]])
    half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / 2
    return np.array(MIDDLE) + half[:, :1] * WIDTH * across + half[:, 1:] * LENGTH * along


def tissue_with_walls(degrees: float = 90.0) -> npt.NDArray[np.uint8]:
    """Speckle with a dark ventricle between two bright walls."""
    noise = np.random.default_rng(0).normal(90, 18, (300, 400)).astype(np.float32)
    picture = cv2.GaussianBlur(noise, (0, 0), 1.2)
    corners = rectangle(degrees)
    cv2.fillPoly(picture, [np.round(corners).astype(np.int32)], 15.0)
    for first, last in ((0, 3), (1, 2)):
        ends = [tuple(np.round(corners[at]).astype(int).tolist()) for at in (first, last)]
        cv2.line(picture, *ends, 230.0, 2)
    return np.clip(picture, 0, 255).astype(np.uint8)


def wall_distance(picture: npt.NDArray[np.uint8], degrees: float = 90.0) -> float:
    """Between the two brightest places on the line through the calliper."""
    along = np.linspace(-75, 75, 1501)
    turn = np.deg2rad(degrees)
    x, y = (MIDDLE[0] + along * np.cos(turn), MIDDLE[1] + along * np.sin(turn))
    line = cv2.remap(
        cv2.GaussianBlur(picture, (0, 0), 1.0), x.astype(np.float32)[None],
        y.astype(np.float32)[None], cv2.INTER_LINEAR,
    )[0].astype(float)  # fmt: skip
    before, behind = line[along < 0], line[along > 0]
    return float(along[along > 0][behind.argmax()] - along[along < 0][before.argmax()])


@pytest.mark.parametrize("degrees", [90.0, 70.0, 120.0])
@pytest.mark.parametrize("factor", [0.6, 1.5, 2.2])
def test_the_walls_move_as_far_as_it_says(factor: float, degrees: float) -> None:
    picture = tissue_with_walls(degrees)
    other = widen_ventricle(picture, rectangle(degrees), factor, np.random.default_rng(1))
    before, after = wall_distance(picture, degrees), wall_distance(other.picture, degrees)
    assert other.factor == pytest.approx(factor)
    assert after - before == pytest.approx((factor - 1) * WIDTH, abs=2.1)
    sides = np.hypot(*(other.rectangle[1] - other.rectangle[0]))
    assert sides == pytest.approx(factor * WIDTH, abs=0.01)


def test_what_is_not_near_the_ventricle_stays_bit_for_bit() -> None:
    picture = tissue_with_walls()
    other = widen_ventricle(picture, rectangle(), 1.8, np.random.default_rng(1))
    np.testing.assert_array_equal(other.picture[~other.changed], picture[~other.changed])
    far = np.hypot(*(np.indices(picture.shape) - np.array(MIDDLE[::-1])[:, None, None])) > 150
    assert not other.changed[far].any()


def test_walls_keep_their_thickness_and_brightness() -> None:
    picture = tissue_with_walls()
    other = widen_ventricle(picture, rectangle(), 2.0, np.random.default_rng(1))
    bright = [(one[:, 200] > 150).sum() for one in (picture, other.picture)]
    assert bright[1] == pytest.approx(bright[0], abs=2)


def test_the_lumen_is_fluid_with_the_pictures_own_dark() -> None:
    picture = tissue_with_walls()
    other = widen_ventricle(picture, rectangle(), 2.0, np.random.default_rng(1))
    lumen = other.picture[140:160, 185:215]
    assert lumen.mean() == pytest.approx(15, abs=6)


def test_the_skull_stays_and_limits_the_width() -> None:
    phantom = make_phantom(9.0, 4)
    ends = np.array(phantom.atrium)[:, ::-1]
    across = ends[1] - ends[0]
    along = np.array([-across[1], across[0]])
    corners = np.array(
        [ends[0] - 0.6 * along, ends[1] - 0.6 * along, ends[1] + 0.6 * along, ends[0] + 0.6 * along]
    )
    (x, y), (long, short), degrees = phantom.head
    outline = cv2.ellipse2Poly(
        (round(x), round(y)), (round(long / 2), round(short / 2)), round(degrees), 0, 360, 3
    ).astype(float)
    grey = phantom.clean[..., 0]
    other = widen_ventricle(grey, corners, 5.0, np.random.default_rng(1), skull=outline)
    assert 1.2 < other.factor < 5.0
    skull = phantom.geometry.outside_mm > -0.5
    assert np.abs(other.picture[skull].astype(int) - grey[skull]).max() <= 2


@pytest.mark.parametrize("factor", [0.1, 9.0])
def test_a_factor_out_of_range_is_refused(factor: float) -> None:
    with pytest.raises(ValueError, match=r"0\.4 to 5 times"):
        widen_ventricle(tissue_with_walls(), rectangle(), factor, np.random.default_rng(0))


def test_a_rectangle_without_an_inside_is_refused() -> None:
    with pytest.raises(ValueError, match="no inside"):
        widen_ventricle(tissue_with_walls(), np.zeros((4, 2)), 1.5, np.random.default_rng(0))


def test_the_plexus_keeps_its_size_and_sinks_to_the_lower_wall() -> None:
    picture = tissue_with_walls()
    cv2.ellipse(picture, (200, 152), (14, 8), 0, 0, 360, 170, -1)
    other = widen_ventricle(picture, rectangle(), 2.5, np.random.default_rng(1))

    def plexus(one: npt.NDArray[np.uint8], lower_wall: float) -> tuple[int, float]:
        rows = np.flatnonzero(one[:, 200] > 120)
        rows = rows[(rows > lower_wall - 27) & (rows < lower_wall - 3)]
        return len(rows), lower_wall - float(rows.mean())

    before, after = plexus(picture, 165), plexus(other.picture, 165 + 22.5)
    assert after[0] == pytest.approx(before[0], abs=2)
    assert after[1] == pytest.approx(before[1], abs=1.5)
