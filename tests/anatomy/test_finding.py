"""From maps to measurements, with a network that reads flat grey values instead of tissue."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from vmcore.anatomy import Anatomy, HeadEllipse, Limits, find_anatomy
from vmcore.anatomy.decoding import STRIDE, WIDTH_UNIT_PX

HEAD_GREY, VENTRICLE_GREY = 90, 250
HEAD = HeadEllipse((230.0, 330.0), (210.0, 160.0), np.deg2rad(12))
ATRIUM = ((420.0, 300.0), (130.0, 32.0), -8.0)  # as OpenCV writes it: length 130, width 32


def drawn(
    head: HeadEllipse = HEAD, atrium: tuple | None = ATRIUM, shape: tuple[int, int] = (480, 680)
) -> npt.NDArray[np.uint8]:
    picture = np.zeros(shape, np.uint8)
    cv2.fillPoly(picture, [np.round(head.outline() * 16).astype(np.int32)], HEAD_GREY, shift=4)
    if atrium is not None:
        corners = np.round(cv2.boxPoints(atrium) * 16).astype(np.int32)
        cv2.fillPoly(picture, [corners], VENTRICLE_GREY, shift=4)
    return picture


def grey_reader(views: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], ...]:
    """Structures by grey value, the calliper by OpenCV's rectangle around the ventricle."""
    outputs = []
    for (view,) in views:
        small = cv2.resize(view, None, fx=1 / STRIDE, fy=1 / STRIDE, interpolation=cv2.INTER_AREA)
        # the brightest structure is at 1: the ventricle where there is one, else the head
        has_ventricle = ((view > 0.25) & (view < 0.5)).mean() > 0.1
        ventricle = (small > 0.68) & has_ventricle
        bright = HEAD_GREY / VENTRICLE_GREY if has_ventricle else 1.0
        structures = np.stack([small > 0.5 * bright, np.zeros_like(ventricle), ventricle])
        calliper = np.zeros((4, *small.shape), np.float32)
        calliper[3] = -3.0
        contours, _ = cv2.findContours(
            (view > 0.68).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
        )
        if ventricle.any():
            _, sides, degrees = cv2.minAreaRect(max(contours, key=cv2.contourArea))
            turn = degrees if sides[0] < sides[1] else degrees + 90
            calliper[0] = (view > 0.68).sum() / (max(sides) + 1) / WIDTH_UNIT_PX  # area over length
            calliper[1], calliper[2] = np.cos(np.deg2rad(2 * turn)), np.sin(np.deg2rad(2 * turn))
        outputs.append((20.0 * structures - 10, calliper, np.array([3.0, 3.0])))
    return tuple(np.stack(one).astype(np.float32) for one in zip(*outputs, strict=True))


def found(picture: npt.NDArray[np.uint8], **more: object) -> Anatomy:
    return find_anatomy(grey_reader, picture, **more)  # type: ignore[arg-type]


def test_head_and_atrium_are_measured_where_they_were_drawn() -> None:
    anatomy = found(drawn())
    assert anatomy.head is not None
    assert anatomy.atrium is not None
    np.testing.assert_allclose(anatomy.head.ellipse.centre, HEAD.centre, atol=1.0)
    assert anatomy.head.circumference_px == pytest.approx(HEAD.circumference, rel=0.01)
    assert anatomy.head.biparietal_diameter_px == pytest.approx(320, rel=0.01)
    middle = (np.array(anatomy.atrium.start) + anatomy.atrium.end) / 2
    np.testing.assert_allclose(middle, (300, 420), atol=2)
    assert anatomy.atrium.width_px == pytest.approx(32, abs=1.5)
    assert anatomy.atrium.head_share == pytest.approx(0.1, abs=0.005)
    assert anatomy.atrium.side == "far"
    assert anatomy.atrium.width_mm is None
    assert anatomy.plane.fits


def test_the_calliper_lies_across_the_ventricle() -> None:
    anatomy = found(drawn())
    assert anatomy.atrium is not None
    row, column = np.subtract(anatomy.atrium.end, anatomy.atrium.start)
    assert np.rad2deg(np.arctan2(row, column)) == pytest.approx(
        82, abs=3
    )  # 90 degrees off the long side


@pytest.mark.parametrize("rows_are_higher", [1.0, 1.5, 0.7])
def test_millimetres_hold_on_pixels_that_are_not_square(rows_are_higher: float) -> None:
    picture = drawn()
    height = round(picture.shape[0] / rows_are_higher)
    squeezed = cv2.resize(picture, (picture.shape[1], height), interpolation=cv2.INTER_AREA)
    row_mm = 0.2 * picture.shape[0] / height
    anatomy = found(squeezed, spacing_mm=(row_mm, 0.2))
    assert anatomy.atrium is not None
    assert anatomy.head is not None
    assert anatomy.atrium.width_mm == pytest.approx(6.4, abs=0.3)
    assert anatomy.head.biparietal_diameter_mm == pytest.approx(64, rel=0.01)
    assert anatomy.head.circumference_mm == pytest.approx(0.2 * HEAD.circumference, rel=0.01)


def test_structures_are_written_in_the_pictures_own_pixels() -> None:
    picture = drawn()
    structures = found(picture).structures
    assert structures.shape == picture.shape
    assert (structures[picture == VENTRICLE_GREY] == 3).mean() > 0.9
    assert (structures[picture == HEAD_GREY] == 1).mean() > 0.97
    assert (structures[picture == 0] == 0).mean() > 0.98


def test_a_head_that_the_frame_cuts_keeps_its_ellipse() -> None:
    cut = HeadEllipse((230.0, 120.0), (210.0, 160.0), 0.0)  # its left end lies outside
    anatomy = found(drawn(cut, ((230.0, 300.0), (150.0, 40.0), 0.0)))
    assert anatomy.head is not None
    assert anatomy.head.circumference_px == pytest.approx(cut.circumference, rel=0.03)
    assert anatomy.head.within_picture == pytest.approx(0.69, abs=0.05)
    whole = found(drawn())
    assert whole.head is not None
    assert whole.head.within_picture == 1.0


@pytest.mark.parametrize(("diameter_mm", "measured"), [(24.0, False), (27.0, True)])
def test_in_a_head_under_14_weeks_nothing_is_measured(diameter_mm: float, measured: bool) -> None:
    spacing = diameter_mm / HEAD.biparietal_diameter
    anatomy = found(drawn(), spacing_mm=(spacing, spacing))
    assert anatomy.head is not None
    assert anatomy.head.biparietal_diameter_mm == pytest.approx(diameter_mm, rel=0.03)
    assert (anatomy.atrium is not None, anatomy.plane.fits) == (measured, measured)


def test_the_larger_of_two_heads_is_measured() -> None:
    small = HeadEllipse((110.0, 110.0), (75.0, 60.0), 0.0)
    large = HeadEllipse((270.0, 450.0), (180.0, 140.0), 0.0)
    picture = np.maximum(drawn(small, None), drawn(large, ((450.0, 330.0), (150.0, 34.0), 0.0)))
    anatomy = found(picture)
    assert anatomy.head is not None
    np.testing.assert_allclose(anatomy.head.ellipse.centre, large.centre, atol=3)


def test_a_black_picture_has_nothing() -> None:
    anatomy = found(np.zeros((300, 400), np.uint8))
    assert (anatomy.head, anatomy.midline, anatomy.atrium) == (None, None, None)
    assert not anatomy.plane.fits
    assert not anatomy.structures.any()


def test_a_head_without_a_ventricle_is_not_measured() -> None:
    anatomy = found(drawn(atrium=None))
    assert anatomy.head is not None
    assert anatomy.atrium is None
    assert not anatomy.plane.fits


@pytest.mark.parametrize(
    "limits", [Limits(uncertainty=0.001), Limits(atrium=1.0), Limits(visible=1.0)]
)
def test_what_is_too_uncertain_is_withheld(limits: Limits) -> None:
    assert found(drawn()).atrium is not None
    assert found(drawn(), limits=limits).atrium is None


def test_the_uncertainty_is_the_networks_expectation_scaled() -> None:
    one, two = (
        found(drawn(), limits=Limits(spread=spread, uncertainty=1.0)).atrium
        for spread in (1.0, 2.0)
    )
    assert one is not None
    assert two is not None
    assert two.uncertainty == pytest.approx(2 * one.uncertainty)
    assert replace(two, uncertainty=one.uncertainty) == one


def test_an_atrium_that_the_picture_cuts_is_not_measured() -> None:
    """What is left of it is narrower, and nobody sees by how much."""
    atrium = ((330.0, 330.0), (130.0, 60.0), 0.0)
    assert found(drawn(atrium=atrium)).atrium is not None
    for last in (320, 330, 350):  # rows of the picture; the atrium reaches from 300 to 360
        cut = found(drawn(atrium=atrium)[:last])
        assert cut.head is not None
        assert cut.atrium is None
    assert found(drawn(atrium=atrium)[:380]).atrium is not None


def test_flat_pixels_of_unknown_size_are_reckoned_with() -> None:
    """A picture whose rows were halved has the same shares by its pixels' shape, and others without it."""
    whole, halved = drawn(), cv2.resize(drawn(), None, fx=1, fy=0.5, interpolation=cv2.INTER_AREA)
    told, square = found(halved, pixel_aspect=2.0), found(halved)
    assert (told.atrium is None, found(whole).atrium is None) == (False, False)
    assert told.atrium.head_share == pytest.approx(found(whole).atrium.head_share, rel=0.05)
    ratio = told.head.ellipse.scaled(2.0, 1.0).biparietal_diameter / HEAD.biparietal_diameter
    assert ratio == pytest.approx(1.0, abs=0.02)
    assert square.head is None or square.head.ellipse.half_axes[1] < 0.6 * HEAD.half_axes[1]
