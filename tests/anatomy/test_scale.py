"""Millimetres from the ruler at a picture's edge."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.imaging.ruled import ruled
from vmcore.anatomy import (
    AnatomyModel,
    HeadEllipse,
    by_gestational_age,
    ruler_scale,
    weeks_of_biparietal,
)
from vmcore.data.phantom import Phantom
from vmcore.data.phantom.rulers import MANNERS
from vmcore.imaging.ruler import Edge, Ruler, find_rulers

SHAPES = [(480, 640), (661, 959), (768, 1024), (420, 560)]
HEAD = HeadEllipse((200.0, 300.0), (190.0, 150.0), 0.0)


def ruler(pitch_px: float, *every: int, edge: Edge = "left") -> Ruler:
    return Ruler(edge, np.arange(12) * pitch_px, pitch_px, every)


def head_of(phantom: Phantom) -> HeadEllipse:
    (x, y), (one, other), degrees = phantom.head
    return HeadEllipse.of_axes((y, x), (one / 2, other / 2), np.deg2rad(degrees))


@pytest.mark.long
def test_of_drawn_rulers_no_scale_is_two_percent_off() -> None:
    told: Counter[str] = Counter()
    for number in range(12):
        for manner in MANNERS:
            phantom = ruled(manner, number, SHAPES[number % len(SHAPES)])
            scale = ruler_scale(find_rulers(phantom.image), head_of(phantom))
            if scale is None or scale.spacing_mm is None:
                continue
            told[manner] += 1
            for mm, true in zip(scale.spacing_mm, phantom.spacing_mm, strict=True):
                assert mm == pytest.approx(true, rel=0.02), (manner, number)
    assert told["plain"] == 0  # alike ticks may be 5 or 10 mm
    assert min(told[manner] for manner in MANNERS if manner != "plain") >= 4


@pytest.mark.parametrize(
    ("every", "pitch_px", "tick_mm"),
    [
        ((2, 10), 30.0, 5.0),
        ((2,), 30.0, 5.0),
        ((5,), 45.0, 10.0),  # 1 or 2 mm would make no fetus
        ((5, 10), 4.5, 1.0),
        ((10,), 25.0, 5.0),  # 10 mm would make a head of 12 cm
    ],
)
def test_the_pattern_says_what_a_tick_stands_for(
    every: tuple[int, ...], pitch_px: float, tick_mm: float
) -> None:
    scale = ruler_scale([ruler(pitch_px, *every)], HEAD)
    assert scale is not None
    assert scale.tick_mm == tick_mm
    assert scale.spacing_mm == pytest.approx((tick_mm / pitch_px,) * 2)
    assert not scale.both_directions


@pytest.mark.parametrize(
    ("rulers", "trouble"),
    [
        ([ruler(30.0)], "ticks"),  # alike
        ([ruler(45.0, 10)], "ticks"),  # 5 mm and 10 mm make heads of 33 and 67 mm
        ([ruler(30.0, 3)], "ticks"),
        ([ruler(300.0, 2)], "head"),  # of 5 mm
        ([ruler(4.0, 2)], "head"),  # of 37 cm
        ([ruler(30.0, 2), ruler(60.0, 2, edge="bottom")], "contradiction"),
        ([ruler(30.0, 2), ruler(30.0, 5, 10, edge="bottom")], "contradiction"),
        ([ruler(30.0, 2), ruler(33.0, edge="bottom")], "contradiction"),  # of what?
        ([ruler(30.0, 2), ruler(37.0, 2, edge="bottom")], "shape"),
        ([ruler(30.0, 2, edge="bottom")], "columns only"),
    ],
)
def test_where_it_cannot_be_told_there_is_no_scale(rulers: list[Ruler], trouble: str) -> None:
    scale = ruler_scale(rulers, HEAD)
    assert scale is not None
    assert scale.trouble == trouble
    assert scale is not None
    assert scale.spacing_mm is None
    assert scale.tick_mm is None


def test_a_round_head_beside_one_ruler_was_squeezed() -> None:
    scale = ruler_scale([ruler(30.0, 2)], HeadEllipse((200.0, 300.0), (155.0, 150.0), 0.0))
    assert scale is not None
    assert scale.trouble == "shape"


def test_an_equal_comb_at_the_other_edge_does_no_harm() -> None:
    scale = ruler_scale([ruler(30.0, 2), ruler(30.2, edge="bottom")], HEAD)
    assert scale is not None
    assert scale.tick_mm == 5.0


def test_no_ruler_is_no_scale() -> None:
    assert ruler_scale([], HEAD) is None


def test_pixels_that_are_not_square_are_measured_in_both_directions() -> None:
    scale = ruler_scale([ruler(30.0, 2), ruler(26.5, 2, edge="bottom")], HEAD)
    assert scale is not None
    assert scale.spacing_mm == pytest.approx((5 / 30, 5 / 26.5))
    assert scale.both_directions


def test_a_picture_with_a_ruler_is_measured_in_millimetres() -> None:
    model, told = AnatomyModel.load(), 0
    for number in range(6):
        phantom = ruled("dots", number, (661, 959))
        known = model.find(phantom.clean, phantom.spacing_mm)
        found = model.find(phantom.clean, uncleaned=phantom.image)
        if found.atrium is None or found.atrium.width_mm is None or known.atrium is None:
            continue
        told += 1
        assert found.atrium.millimetres_from == "ruler"
        assert found.atrium.width_mm == pytest.approx(known.atrium.width_mm, rel=0.02)
        assert found.head is not None
        assert known.head is not None
        assert found.head.circumference_mm == pytest.approx(known.head.circumference_mm, rel=0.02)
        age = weeks_of_biparietal(found.head.biparietal_diameter_mm or 0)
        assert by_gestational_age(found, age) is found  # a ruler is better than a guess
        other = by_gestational_age(found, 38.0 if age < 28 else 16.0)  # and a misread one worse
        assert other.atrium is not None
        assert other.atrium.millimetres_from == "gestational age"
        assert other.ruler is not None
        assert other.ruler.trouble == "gestational age"
        assert other.head is not None
        assert other.head.biparietal_diameter_mm is None
    assert told >= 3


def test_a_squeezed_picture_is_measured_by_both_rulers() -> None:
    """As wide as high: the picture was made to fit another shape."""
    model, told = AnatomyModel.load(), 0
    for number in range(2, 8):
        phantom = ruled("edge", number, (661, 959))
        squeezed, clean = (
            cv2.resize(picture, (810, 661), interpolation=cv2.INTER_AREA)
            for picture in (phantom.image, phantom.clean)
        )
        known = model.find(phantom.clean, phantom.spacing_mm)
        found = model.find(clean.astype(np.uint8), uncleaned=squeezed.astype(np.uint8))
        if found.ruler is None or found.ruler.spacing_mm is None or not found.ruler.both_directions:
            continue
        told += 1
        row, column = found.ruler.spacing_mm
        assert row == pytest.approx(phantom.spacing_mm[0], rel=0.02)
        assert column == pytest.approx(phantom.spacing_mm[1] * 959 / 810, rel=0.02)
        if found.atrium is not None and known.atrium is not None:
            assert found.atrium.width_mm == pytest.approx(known.atrium.width_mm, rel=0.1)
    assert told >= 2


def test_what_no_ruler_tells_makes_the_width_less_sure() -> None:
    """Down a ruler a width is as sure as the ruler; across, pixels may not be square."""
    model = AnatomyModel.load()
    phantom = ruled("dots", 1, (661, 959))
    found = model.find(phantom.clean, uncleaned=phantom.image)
    assert found.atrium is not None
    assert found.atrium.width_mm is not None
    (r0, c0), (r1, c1) = found.atrium.start, found.atrium.end
    across = (c1 - c0) ** 2 / ((r1 - r0) ** 2 + (c1 - c0) ** 2)
    assert found.atrium.scale_deviation == pytest.approx(np.hypot(0.005, 0.06 * across), rel=1e-6)


@pytest.mark.parametrize(
    "uncleaned",
    [
        np.zeros((480, 640), np.uint8),
        np.zeros((480, 640, 3), np.float32),
        np.zeros((240, 320, 3), np.uint8),
    ],
)
def test_an_uncleaned_picture_of_another_kind_is_refused(uncleaned: np.ndarray) -> None:
    image = np.zeros((480, 640, 3), np.uint8)
    with pytest.raises(ValueError, match="uncleaned"):
        AnatomyModel.load().find(image, uncleaned=uncleaned)


def test_a_file_with_a_spacing_needs_no_ruler() -> None:
    phantom = ruled("dots", 1, (661, 959))
    found = AnatomyModel.load().find(phantom.clean, (0.2, 0.2), uncleaned=phantom.image)
    assert found.ruler is None
    assert found.atrium is None or found.atrium.millimetres_from == "file"


def test_real_rulers_make_heads_of_fetuses(real_data: Path) -> None:
    """Of the real heads with an outline, in mm: biparietal diameter 40 to 100, atrium 2 to 10."""
    from train.anatomy_data import head_structures

    read = 0
    pictures = head_structures(real_data / "fetal-head-structures")
    for path, outlined in zip(
        sorted((real_data / "fetal-head-structures/images").iterdir()), pictures, strict=True
    ):
        if outlined.head is None or outlined.ventricle is None:
            continue
        bgr = cv2.imread(str(path))
        assert bgr is not None
        scale = bgr.shape[1] / outlined.grey.shape[1]
        head = HeadEllipse(
            outlined.head.centre,
            (outlined.head.half_axes[0] * scale, outlined.head.half_axes[1] * scale),
            outlined.head.angle,
        )
        found = ruler_scale(find_rulers(np.ascontiguousarray(bgr[..., ::-1])), head)
        if found is None or found.spacing_mm is None:
            continue
        read += 1
        assert found.tick_mm == 5.0  # dots in three sizes, or dashes in two: none has 10 mm alone
        width_px = float(np.hypot(*(outlined.ventricle[1] - outlined.ventricle[0]))) * scale
        assert 40 < head.biparietal_diameter * found.spacing_mm[0] < 100
        assert 2 < width_px * found.spacing_mm[0] < 10
    assert read >= 27  # of 31


def test_pictures_without_a_ruler_get_none(real_data: Path) -> None:
    for path in sorted((real_data / "hc18/images").iterdir())[::25]:
        bgr = cv2.imread(str(path))
        assert bgr is not None
        assert find_rulers(np.ascontiguousarray(bgr[..., ::-1])) == []
