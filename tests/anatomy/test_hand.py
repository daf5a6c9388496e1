"""Callipers by hand measure what they span, in the millimetres of the region that holds both ends."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from train.anatomy_data import head_structures
from vmcore.anatomy import (
    Anatomy,
    AnatomyModel,
    HandCalliper,
    HandError,
    Head,
    HeadEllipse,
    Plane,
    RulerScale,
    known_distance,
    measure_by_hand,
    misplaced,
)
from vmcore.data.phantom import make_phantom, write_dicom
from vmcore.imaging import Calibration, Region, Scan, clean_frame, read_scan

SHAPE = (100, 200, 3)


def scan(**told: object) -> Scan:
    return replace(Scan(np.zeros((1, *SHAPE), np.uint8), None, None), **told)  # type: ignore[arg-type]


def head_at(row: float, column: float) -> Anatomy:
    ellipse = HeadEllipse((row, column), (60.0, 40.0), 0.0)
    return Anatomy(
        np.zeros(SHAPE[:2], np.uint8), Head(ellipse, None, None),
        ((row, column - 60), (row, column + 60)), None,
        Plane(0.5, 0.5, fits=False), ruler=RulerScale((0.4, 0.4), 5.0, both_directions=True),
    )  # fmt: skip


@pytest.mark.parametrize("aspect", [1.0, 1.6])
def test_exact_clicks_give_a_phantom_s_width_on_square_pixels_and_others(tmp_path, aspect) -> None:
    phantom = make_phantom(11.5, 4, shape=(420, 560))
    if aspect != 1.0:
        phantom = squeezed(phantom, aspect)
    read = read_scan(write_dicom(tmp_path / "scan.dcm", phantom))
    clean = clean_frame(read.frames[0], region=read.region)
    ends = [tuple(np.subtract(end, clean.offset)) for end in phantom.atrium]
    hand = measure_by_hand(*ends, read, shape=clean.image.shape, offset=clean.offset)
    assert hand.millimetres_from == "file"
    assert hand.width_mm == pytest.approx(11.5, abs=0.5)


def squeezed(phantom, aspect):
    """The same phantom with pixels ``aspect`` times as high as wide."""
    import cv2

    height = round(phantom.image.shape[0] / aspect)
    factor = height / phantom.image.shape[0]

    def small(image):
        return cv2.resize(image, (image.shape[1], height), interpolation=cv2.INTER_AREA)

    atrium = tuple(((row + 0.5) * factor - 0.5, column) for row, column in phantom.atrium)
    rows, columns = phantom.spacing_mm
    region = phantom.region and Region(
        round(phantom.region.row * factor), phantom.region.column,
        round(phantom.region.height * factor), phantom.region.width,
    )  # fmt: skip
    return replace(
        phantom, image=small(phantom.image), clean=small(phantom.clean), atrium=atrium,
        spacing_mm=(rows / factor, columns), region=region,
    )  # fmt: skip


def test_both_ends_must_lie_in_regions_of_one_scale() -> None:
    left = Calibration(Region(0, 0, 100, 100), (0.2, 0.1))
    right = Calibration(Region(0, 100, 100, 100), (0.5, 0.5))
    two = scan(calibrations=(left, right), spacing_mm=(0.2, 0.1))
    assert measure_by_hand((10, 10), (40, 50), two, shape=SHAPE).width_mm == pytest.approx(
        np.hypot(30 * 0.2, 40 * 0.1)
    )
    assert measure_by_hand((10, 150), (40, 190), two, shape=SHAPE).width_mm == pytest.approx(25.0)
    across = measure_by_hand((10, 50), (10, 150), two, shape=SHAPE)
    assert across.width_mm is None
    assert "different scales" in (across.why_no_mm or "")
    same = scan(calibrations=(left, right._replace(spacing_mm=(0.2, 0.1))))
    assert measure_by_hand((10, 50), (10, 150), same, shape=SHAPE).width_mm == pytest.approx(10.0)
    beside = scan(calibrations=(left,))
    assert "outside" in (measure_by_hand((10, 50), (10, 150), beside, shape=SHAPE).why_no_mm or "")


def test_the_cut_is_reckoned_with() -> None:
    lower = scan(calibrations=(Calibration(Region(50, 0, 50, 200), (0.1, 0.1)),))
    assert measure_by_hand((5, 10), (5, 60), lower, shape=SHAPE).width_mm is None
    cut = measure_by_hand((5, 10), (5, 60), lower, shape=(50, 200), offset=(50, 0))
    assert cut.width_mm == pytest.approx(5.0)


def test_a_known_distance_stands_in_for_the_file_s_and_comes_before_the_ruler_s() -> None:
    known = known_distance((10, 0), (10, 100), "62,5 mm", SHAPE)
    anatomy = head_at(50, 100)
    plain = measure_by_hand((20, 20), (20, 60), scan(), shape=SHAPE, anatomy=anatomy)
    assert (plain.width_mm, plain.millimetres_from) == (pytest.approx(16.0), "ruler")
    told = measure_by_hand((20, 20), (20, 60), scan(), shape=SHAPE, anatomy=anatomy, known=known)
    assert (told.width_mm, told.millimetres_from) == (pytest.approx(25.0), "hand")
    file = scan(spacing_mm=(1.0, 2.0))
    first = measure_by_hand((20, 20), (20, 60), file, shape=SHAPE, anatomy=anatomy, known=known)
    assert (first.width_mm, first.millimetres_from) == (pytest.approx(80.0), "file")
    none = measure_by_hand((20, 20), (20, 60), scan(), shape=SHAPE)
    assert (none.width_px, none.width_mm) == (40.0, None)
    assert none.why_no_mm == "Nothing tells how large a pixel is."


def test_a_size_that_makes_the_head_impossible_is_none() -> None:
    doubtful = replace(head_at(50, 100), scale_doubtful=True, ruler=None)
    for told in (
        scan(spacing_mm=(2.0, 2.0)),
        scan(calibrations=(Calibration(Region(0, 0, *SHAPE[:2]), (2.0, 2.0)),)),
    ):
        hand = measure_by_hand((20, 20), (20, 70), told, shape=SHAPE, anatomy=doubtful)
        assert hand.width_mm is None
        assert "impossibly" in (hand.why_no_mm or "")
        known = known_distance((10, 0), (10, 100), 50, SHAPE)
        hand = measure_by_hand((20, 20), (20, 70), told, shape=SHAPE, anatomy=doubtful, known=known)
        assert (hand.width_mm, hand.millimetres_from) == (pytest.approx(25.0), "hand")


@pytest.mark.parametrize("told", [0.5, 400])
def test_a_known_distance_that_makes_the_head_impossible_is_refused(told: float) -> None:
    known = known_distance((10, 0), (10, 100), told, SHAPE)
    with pytest.raises(HandError, match="the head would be"):
        measure_by_hand(
            (20, 20), (20, 60), scan(), shape=SHAPE, anatomy=head_at(50, 100), known=known
        )


def test_in_a_head_under_14_weeks_by_a_known_distance_no_width_is_told() -> None:
    known = known_distance((10, 0), (10, 100), 20, SHAPE)  # a head of 16 mm
    hand = measure_by_hand(
        (20, 20), (20, 60), scan(), shape=SHAPE, anatomy=head_at(50, 100), known=known
    )
    assert (hand.width_mm, hand.millimetres_from) == (None, None)
    assert "14 weeks" in (hand.why_no_mm or "")


def test_a_known_distance_reckons_with_pixels_that_are_not_square() -> None:
    known = known_distance((10, 0), (10, 100), 20, SHAPE, pixel_aspect=2.0)
    hand = measure_by_hand((10, 20), (60, 20), scan(), shape=SHAPE, known=known)
    assert hand.width_mm == pytest.approx(20.0)
    slanted = known_distance((0, 0), (30, 80), 20, SHAPE, pixel_aspect=2.0)
    assert slanted.spacing_mm == pytest.approx((0.4, 0.2))


def test_the_side_is_told_by_the_head() -> None:
    anatomy = head_at(50, 100)
    sides = [
        measure_by_hand((row, 95), (row, 105), scan(), shape=SHAPE, anatomy=anatomy).side
        for row in (30, 70, 99)
    ]
    assert sides == ["near", "far", None]


@pytest.mark.parametrize(
    ("start", "end", "why"),
    [
        ((60, 95), (70, 105), None),
        ((48, 95), (60, 95), None),  # the midline is somewhat thick
        ((35, 95), (65, 95), "crosses the midline"),
        ((70, 95), (90, 95), "skull"),
        ((52, 95), (120, 95), "skull"),  # which says more than that it is long
    ],
)
def test_where_no_atrium_can_be_is_said(start, end, why) -> None:
    anatomy = head_at(50, 100)
    said = misplaced(HandCalliper(start, end, 20.0, None), anatomy)
    assert said is None if why is None else why in (said or "")
    assert misplaced(HandCalliper(start, end, 20.0, None), replace(anatomy, head=None)) is None
    assert misplaced(HandCalliper(start, end, 20.0, None), None) is None


def test_no_real_atrium_is_where_none_can_be(real_data: Path) -> None:
    model = AnatomyModel.load()
    outlined = head_structures(real_data / "fetal-head-structures")
    assert len(outlined) > 30
    for one in outlined:
        found = model.find(np.repeat(one.grey[..., None], 3, axis=2))
        first, second, third, fourth = one.ventricle[:, ::-1]
        ends = (tuple((first + fourth) / 2), tuple((second + third) / 2))
        assert found.head is not None
        assert misplaced(HandCalliper(*ends, 20.0, None), found) is None


@pytest.mark.parametrize("width_mm", [5.0, 12.0, 20.0, 28.0])
def test_no_drawn_atrium_is_where_none_can_be(width_mm: float) -> None:
    phantom = make_phantom(width_mm, 7, shape=(420, 560))
    found = AnatomyModel.load().find(phantom.image)
    assert found.head is not None
    assert misplaced(HandCalliper(*phantom.atrium, 20.0, None), found) is None


@pytest.mark.parametrize(
    ("start", "end", "why"),
    [
        ((10, 10), (10, 10), "one point"),
        ((10, 10), (11, 10), "one point"),
        ((-5, 10), (10, 10), "outside"),
        ((10, 10), (10, 250), "outside"),
        ((float("nan"), 10), (10, 20), "outside"),
    ],
)
def test_what_is_no_calliper_gets_a_sentence(start, end, why) -> None:
    with pytest.raises(HandError, match=why):
        measure_by_hand(start, end, scan(), shape=SHAPE)


@pytest.mark.parametrize("told", ["", "ten", "0", "-3", "nan", "inf", "501", "1.2.3"])
def test_what_is_no_distance_gets_a_sentence(told: str) -> None:
    with pytest.raises(HandError, match=r"distance"):
        known_distance((0, 0), (0, 100), told, SHAPE)


def test_a_scale_needs_points_that_are_apart() -> None:
    with pytest.raises(HandError, match="too close"):
        known_distance((0, 0), (0, 3), "5", SHAPE)


@pytest.mark.parametrize("degrees", [-89, -45, 0, 45, 89])
def test_the_side_of_an_upright_head_is_that_of_the_machine(degrees: float) -> None:
    """Whatever way the midline leans, both count from the same end of it."""
    turn = np.deg2rad(degrees)
    along, across = np.array([np.sin(turn), np.cos(turn)]), np.array([np.cos(turn), -np.sin(turn)])
    middle = np.array([100.0, 100.0])
    ends = [tuple(map(float, middle + side * 60 * along)) for side in (-1, 1)]
    anatomy = Anatomy(
        np.zeros((200, 200), np.uint8), Head(HeadEllipse((100.0, 100.0), (60.0, 40.0), turn), None, None),
        (ends[0], ends[1]), None, Plane(0.5, 0.5, fits=False),
    )  # fmt: skip
    for side, offset in (("far", 1), ("near", -1)):
        here = [tuple(map(float, middle + offset * px * across)) for px in (10, 20)]
        assert measure_by_hand(*here, scan(), shape=(200, 200), anatomy=anatomy).side == side
