"""Views: where points go, and that pixels go there too."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from vmcore.anatomy import HeadEllipse
from vmcore.anatomy.views import (
    HEAD_SHORT_AXIS_PX,
    VIEW_HEIGHT,
    VIEW_WIDTH,
    grey_of,
    level_view,
    normalised,
    whole_view,
)


def disc(
    shape: tuple[int, int], centre: tuple[float, float], radius: float
) -> npt.NDArray[np.uint8]:
    rows, columns = np.indices(shape)
    far = np.hypot(rows - centre[0], columns - centre[1])
    return (255 * np.clip(radius + 0.5 - far, 0, 1)).astype(np.uint8)


def centroid(view: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    rows, columns = np.indices(view.shape)
    return np.array([(columns * view).sum(), (rows * view).sum()]) / view.sum()


@pytest.mark.parametrize("shape", [(96, 128), (540, 800), (1440, 1080)])
def test_a_disc_lies_in_the_view_where_its_centre_goes(shape: tuple[int, int]) -> None:
    place = (shape[0] * 0.4, shape[1] * 0.6)
    view = whole_view(shape)
    found = centroid(view.take(disc(shape, place, min(shape) / 12)))
    np.testing.assert_allclose(found, view.to_view(np.array([place[::-1]]))[0], atol=0.12)


@pytest.mark.parametrize("degrees", [-80, -30, 0, 45, 89])
def test_a_level_view_lays_the_head_along_the_rows(degrees: int) -> None:
    head = HeadEllipse((300.0, 400.0), (220.0, 170.0), np.deg2rad(degrees))
    seen = HeadEllipse.through(level_view(head).to_view(head.outline()))
    np.testing.assert_allclose(
        seen.centre, ((VIEW_HEIGHT - 1) / 2, (VIEW_WIDTH - 1) / 2), atol=0.05
    )
    assert seen.biparietal_diameter == pytest.approx(HEAD_SHORT_AXIS_PX, abs=0.1)
    assert np.sin(seen.angle) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("degrees", [-80, -30, 0, 45, 89])
def test_a_level_view_keeps_what_is_far_from_the_probe_below(degrees: int) -> None:
    head = HeadEllipse((300.0, 400.0), (220.0, 170.0), np.deg2rad(degrees))
    above, below = level_view(head).to_view(np.array([[400.0, 250.0], [400.0, 350.0]]))
    assert above[1] < below[1]


def test_pixels_that_are_not_square_are_made_square() -> None:
    shape, stretch = (200, 600), 2.0  # a row is twice as high as a column is wide
    picture = cv2.resize(disc((400, 600), (200, 300), 80), (600, 200), interpolation=cv2.INTER_AREA)
    view = whole_view(shape, stretch).take(picture)
    contours, _ = cv2.findContours(
        (view > 127).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    _, axes, _ = cv2.fitEllipse(contours[0])
    assert axes[0] == pytest.approx(axes[1], rel=0.03)


def test_points_come_back_from_a_view() -> None:
    head = HeadEllipse((100.0, 80.0), (70.0, 50.0), 0.4)
    view = level_view(head, stretch=1.3)
    points = np.array([[3.0, 4.0], [77.0, 91.5]])
    np.testing.assert_allclose(view.to_picture(view.to_view(points)), points, atol=1e-9)


def test_gain_does_not_change_what_the_network_sees() -> None:
    rng = np.random.default_rng(0)
    view = rng.integers(0, 100, (VIEW_HEIGHT, VIEW_WIDTH)).astype(np.uint8)
    np.testing.assert_allclose(normalised(view), normalised(2 * view), atol=1e-6)
    assert normalised(np.zeros_like(view)).max() == 0


def test_grey_is_the_mean_of_all_colours_cut_to_whole_numbers() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    picture[0, :2] = [[255, 255, 255], [255, 255, 254]]
    np.testing.assert_array_equal(grey_of(picture), picture.astype(int).sum(2) // 3)
    assert grey_of(picture)[0, :2].tolist() == [255, 254]
