"""Nonsense in display hints costs neither picture nor truth: a note, and the hint is left out."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence

from tests.imaging.drawn import dataset_of, picture, saved
from vmcore.imaging import Scan, read_scan

GREY = np.ascontiguousarray(picture()[..., 0])
TAGS = {"WindowCenter": 0x00281050, "WindowWidth": 0x00281051, "RescaleIntercept": 0x00281052,
        "RescaleSlope": 0x00281053, "VOILUTFunction": 0x00281056, "PixelSpacing": 0x00280030}  # fmt: skip


def read_with(pixels: np.ndarray = GREY, **hints: str) -> Scan:
    """Read a grey scan with these hints, written as text whatever it is."""
    dataset = dataset_of(pixels, colour="MONOCHROME2")
    for name, value in hints.items():
        dataset.add_new(TAGS[name], "LO", value)
    return read_scan(saved(dataset))


@pytest.mark.parametrize(
    ("centre", "width"),
    [
        ("0", "0"), ("128", "0"), ("128", "-256"), ("128", "nan"), ("nan", "256"), ("128", "inf"),
        ("128", "wide"), ("bright", "256"), ("128", "256 HU"), ("128", ""), ("", "256"),
        ("128,5", "256,0"), ("128", "0.5"), ("1e999", "256"),
    ],
)  # fmt: skip
def test_a_window_that_makes_no_sense_costs_no_picture(centre: str, width: str) -> None:
    scan = read_with(WindowCenter=centre, WindowWidth=width)
    assert np.array_equal(scan.frames[0, ..., 0], GREY)
    assert any("window" in note for note in scan.notes)


@pytest.mark.parametrize(("centre", "width"), [("9000", "10"), ("-500", "2"), ("128", "1e9")])
def test_a_window_that_would_hide_everything_is_left_out(centre: str, width: str) -> None:
    scan = read_with(WindowCenter=centre, WindowWidth=width)
    assert np.array_equal(scan.frames[0, ..., 0], GREY)
    assert any("hide" in note for note in scan.notes)


def test_the_first_window_that_makes_sense_is_taken() -> None:
    scan = read_with(WindowCenter="0\\100", WindowWidth="0\\101")
    expected = ((GREY - 99.5) / 100 + 0.5).clip(0, 1) * 255  # PS3.3 C.11.2.1.2.1
    assert np.abs(scan.frames[0, ..., 0] - expected).max() <= 1
    assert scan.notes == ()


@pytest.mark.parametrize(
    ("function", "formula"),
    [
        ("LINEAR_EXACT", lambda x: ((x - 100) / 80 + 0.5).clip(0, 1) * 255),
        ("SIGMOID", lambda x: 255 / (1 + np.exp(-4 * (x - 100) / 80))),
    ],
)
def test_other_windows_follow_the_standards_formulas(function: str, formula) -> None:
    scan = read_with(WindowCenter="100", WindowWidth="80", VOILUTFunction=function)
    assert np.abs(scan.frames[0, ..., 0] - formula(GREY.astype(float))).max() <= 1


def test_an_unknown_window_function_costs_no_picture() -> None:
    scan = read_with(WindowCenter="100", WindowWidth="80", VOILUTFunction="CUBIC")
    assert np.array_equal(scan.frames[0, ..., 0], GREY)
    assert scan.notes


@pytest.mark.parametrize(
    ("slope", "intercept"),
    [("0", "0"), ("nan", "0"), ("one", "0"), ("1,0", "0"), ("1", "none"), ("inf", "0")],
)
def test_rescaling_that_makes_no_sense_costs_no_picture(slope: str, intercept: str) -> None:
    scan = read_with(RescaleSlope=slope, RescaleIntercept=intercept)
    assert np.array_equal(scan.frames[0, ..., 0], GREY)
    assert any("rescale" in note for note in scan.notes)


@pytest.mark.parametrize("keyword", ["VOILUTSequence", "ModalityLUTSequence"])
@pytest.mark.parametrize("fault", ["empty item", "no data", "too short", "text"])
def test_a_table_that_makes_no_sense_costs_no_picture(keyword: str, fault: str) -> None:
    dataset = dataset_of(GREY, colour="MONOCHROME2")
    item = Dataset()
    if fault != "empty item":
        item.LUTDescriptor = [256, 0, 16]
    if fault in {"too short", "text"}:
        item.add_new(0x00283006, "OW" if fault == "too short" else "LO", b"\0\1" if fault == "too short" else "x")  # fmt: skip
    setattr(dataset, keyword, Sequence([item]))
    scan = read_scan(saved(dataset))
    assert np.array_equal(scan.frames[0, ..., 0], GREY)
    assert scan.notes


def test_a_window_table_of_16_bits_that_uses_8_is_not_black() -> None:
    dataset = dataset_of(GREY, colour="MONOCHROME2")
    item = Dataset()
    item.LUTDescriptor = [256, 0, 16]
    item.add_new(0x00283006, "OW", (255 - np.arange(256)).astype("<u2").tobytes())
    dataset.VOILUTSequence = Sequence([item])
    assert np.array_equal(read_scan(saved(dataset)).frames[0, ..., 0], 255 - GREY)


@pytest.mark.parametrize(
    "spacing",
    ["0,2\\0,2", "0.2 mm\\0.2 mm", "0\\0", "0.2", "-0.2\\0.2", "nan\\0.2", "1e5\\1e5", "a\\b",
     "0.2\\0.2\\0.2", "0.2\\"],
)  # fmt: skip
def test_a_pixel_size_that_makes_no_sense_costs_only_the_millimetres(spacing: str) -> None:
    scan = read_with(PixelSpacing=spacing)
    assert np.array_equal(scan.frames[0, ..., 0], GREY)
    assert scan.spacing_mm is None
    assert any("pixel size" in note for note in scan.notes)


def test_deep_grey_without_a_window_is_shown_by_the_range_of_the_whole_loop() -> None:
    loop = np.stack([GREY.astype(np.uint16) * 10, GREY.astype(np.uint16) * 5])
    frames = read_with(loop).frames[..., 0].astype(float)
    low, high = loop.min(), loop.max()
    assert np.abs(frames - (loop - low) * (255.0 / (high - low))).max() <= 0.51
