"""The scan sector: what holds echoes, whatever is drawn beside it."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from vmcore.imaging.sector import scan_sector


def fan(shape: tuple[int, int] = (480, 720)) -> npt.NDArray[np.uint8]:
    """A convex probe's field, uint8 (H, W), 1 within."""
    height, width = shape
    field = np.zeros(shape, np.uint8)
    cv2.ellipse(field, (width // 2, -60), (height, height), 90, -35, 35, 1, -1)
    cv2.ellipse(field, (width // 2, -60), (90, 90), 0, 0, 360, 0, -1)
    return field


def lit(field: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    grain = np.random.default_rng(0).integers(30, 140, field.shape, np.uint8)
    return np.repeat((grain * field)[..., None], 3, axis=2)


def overlap(one: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_]) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def hull(field: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    contours, _ = cv2.findContours(field, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros_like(field)
    cv2.fillConvexPoly(filled, cv2.convexHull(max(contours, key=cv2.contourArea)), 1)
    return filled.astype(bool)


def test_it_is_the_fan_whatever_thin_things_stand_beside_it() -> None:
    field = fan()
    drawn = lit(field)
    cv2.putText(drawn, "DOE JANE 21w3d", (10, 460), 0, 0.7, (230, 230, 230), 2, cv2.LINE_AA)
    drawn[40:300, 8:18] = np.linspace(250, 0, 260, dtype=np.uint8)[:, None, None]  # a grey bar
    drawn[::40, 700:712] = 200  # ticks
    assert overlap(scan_sector(drawn), hull(field)) > 0.97
    assert not scan_sector(drawn)[440:470, 5:120].any()


def test_an_anechoic_band_does_not_cut_it_in_two() -> None:
    field = fan()
    cut = lit(field)
    cut[240:264] = 0
    assert overlap(scan_sector(cut), hull(field)) > 0.97


@pytest.mark.parametrize("grey", [0, 90])
def test_where_none_stands_out_nothing_is_background(grey: int) -> None:
    assert scan_sector(np.full((120, 160, 3), grey, np.uint8)).all()
