"""Wrong colours are put right, and right ones are left alone."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import JPEG2000Lossless, RLELossless

from tests.imaging.drawn import (
    as_ycbcr,
    compressed,
    dataset_of,
    jpeg,
    picture,
    saved,
    speckled,
    without_markers,
)
from tests.imaging.test_reading import packaged
from vmcore.imaging import Scan, ScanError, read_scan


def read(dataset: Dataset) -> Scan:
    return read_scan(saved(dataset))


def close_to(scan: Scan, pixels: np.ndarray, tolerance: float) -> bool:
    return bool(np.abs(scan.frames.astype(int) - pixels).mean() <= tolerance)


def tinted() -> np.ndarray:
    return np.round(picture() * [1.0, 0.8, 0.55]).astype(np.uint8)


def with_flow() -> np.ndarray:
    """Colour Doppler over two thirds of the picture."""
    pixels = picture().copy()
    towards = np.linspace(0, 255, 110 * 180).reshape(110, 180).astype(np.uint8)
    pixels[25:135, 10:190] = np.stack([towards, towards // 3, 255 - towards], axis=-1)
    return pixels


@pytest.mark.parametrize("make", [picture, speckled])
def test_ycbcr_that_is_called_rgb_is_read_as_what_it_is(make) -> None:
    scan = read(dataset_of(as_ycbcr(make())))
    assert close_to(scan, make(), 1)
    assert any("YCbCr" in note for note in scan.notes)


@pytest.mark.parametrize("make", [picture, speckled])
def test_rgb_that_is_called_ycbcr_is_read_as_what_it_is(make) -> None:
    scan = read(dataset_of(make(), colour="YBR_FULL"))
    assert close_to(scan, make(), 0)
    assert any("RGB" in note for note in scan.notes)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_lossless_compression_hides_no_wrong_colour_space(syntax: str) -> None:
    dataset = dataset_of(as_ycbcr(picture()))
    how = {"j2k_cr": None, "use_mct": False} if syntax == JPEG2000Lossless else {}
    dataset.compress(syntax, **{k: v for k, v in how.items() if v is not None})
    dataset.PhotometricInterpretation = "RGB"
    assert close_to(read(dataset), picture(), 1)


@pytest.mark.parametrize("said", ["RGB", "YBR_FULL", "YBR_FULL_422"])
@pytest.mark.parametrize("stored", ["RGB", "YCbCr"])
def test_a_jpeg_that_does_not_name_its_colours_is_read_by_what_they_are(
    said: str, stored: str
) -> None:
    stream = without_markers(jpeg(picture(), keep_rgb=stored == "RGB"))
    assert b"JFIF" not in stream
    scan = read(compressed([stream], colour=said))
    assert close_to(scan, picture(), 3)
    assert bool(scan.notes) == ((said == "RGB") != (stored == "RGB"))


@pytest.mark.parametrize("said", ["RGB", "YBR_FULL_422"])
@pytest.mark.parametrize("transform", [0, 1])
def test_adobes_marker_says_what_a_coloured_jpeg_holds(said: str, transform: int) -> None:
    marker = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes([transform])
    stream = without_markers(jpeg(with_flow(), keep_rgb=transform == 0))
    scan = read(compressed([stream[:2] + marker + stream[2:]], colour=said))
    assert close_to(scan, with_flow(), 6)


@pytest.mark.parametrize("make", [picture, speckled, with_flow, tinted])
@pytest.mark.parametrize("stored_as_planes", [False, True])
def test_a_wrong_planar_configuration_is_put_right(make, stored_as_planes: bool) -> None:
    pixels = make()
    dataset = dataset_of(pixels)
    if stored_as_planes:
        dataset.PixelData = pixels.transpose(2, 0, 1).tobytes()
    dataset.PlanarConfiguration = int(not stored_as_planes)
    scan = read(dataset)
    assert close_to(scan, pixels, 0)
    assert any("order" in note for note in scan.notes)


def test_both_wrong_at_once_are_put_right() -> None:
    dataset = dataset_of(as_ycbcr(picture()))
    dataset.PixelData = as_ycbcr(picture()).transpose(2, 0, 1).tobytes()
    assert close_to(read(dataset), picture(), 1)


@pytest.mark.parametrize("value", [None, "", 7])
def test_a_missing_planar_configuration_costs_nothing(value: object) -> None:
    dataset = dataset_of(picture())
    del dataset.PlanarConfiguration
    if value is not None:
        dataset.PlanarConfiguration = value
    assert close_to(read(dataset), picture(), 0)


@pytest.mark.parametrize("make", [picture, speckled, with_flow, tinted])
@pytest.mark.parametrize("planes", [False, True])
@pytest.mark.parametrize("colour", ["RGB", "YBR_FULL"])
def test_colours_that_the_header_has_right_are_left_alone(make, planes: bool, colour: str) -> None:
    pixels = make() if colour == "RGB" else as_ycbcr(make())
    dataset = dataset_of(pixels, colour=colour)
    if planes:
        dataset.PixelData = pixels.transpose(2, 0, 1).tobytes()
        dataset.PlanarConfiguration = 1
    scan = read(dataset)
    assert close_to(scan, make(), 0 if colour == "RGB" else 1.5)
    assert scan.notes == ()


@pytest.mark.parametrize(
    "name",
    ["examples_rgb_color.dcm", "examples_ybr_color.dcm", "examples_jpeg2k.dcm", "SC_rgb_rle.dcm"],
)
def test_real_files_are_not_doubted(name: str) -> None:
    assert not [note for note in read_scan(packaged(name)).notes if "colour" in note.lower()]


def test_422_that_is_not_subsampled_is_read_whole() -> None:
    dataset = dataset_of(as_ycbcr(picture()), colour="YBR_FULL_422")
    assert close_to(read(dataset), picture(), 1)


def palette(entries: np.ndarray) -> Dataset:
    """An inverted picture whose palette turns it back."""
    dataset = dataset_of(255 - picture()[..., 0], colour="PALETTE COLOR")
    for name in ("Red", "Green", "Blue"):
        setattr(dataset, f"{name}PaletteColorLookupTableDescriptor", [256, 0, 16])
        setattr(dataset, f"{name}PaletteColorLookupTableData", entries.astype("<u2").tobytes())
    return dataset


@pytest.mark.parametrize("depth", [8, 10, 12, 16])
def test_a_palette_of_16_bits_is_scaled_by_the_depth_that_it_uses(depth: int) -> None:
    white = 2**depth - 1
    scan = read(palette(np.round((255 - np.arange(256)) * (white / 255))))
    assert close_to(scan, picture(), 0.5)
    assert bool(scan.notes) == (depth < 16)


def test_a_palette_of_true_16_bits_is_not_brightened() -> None:
    scan = read(palette((255 - np.arange(256)) * 100))  # white is 25500 of 65535
    assert close_to(scan, picture() * (25500 / 65535), 0.6)


@pytest.mark.parametrize("name", ["SC_rgb_rle_16bit.dcm"])
def test_colours_of_16_bits_keep_their_range(name: str) -> None:
    scan = read_scan(packaged(name))
    assert scan.frames.max() == 255


def test_colours_of_16_bits_that_use_8_are_not_black() -> None:
    assert close_to(read(dataset_of(picture().astype("<u2"))), picture(), 0)


@pytest.mark.parametrize(("colour", "samples"), [("RGB", 1), ("YBR_FULL", 1), ("MONOCHROME2", 3)])
def test_colours_that_do_not_go_with_the_samples_are_refused(colour: str, samples: int) -> None:
    dataset = dataset_of(picture() if samples == 3 else picture()[..., 0])
    dataset.PhotometricInterpretation = colour
    with pytest.raises(ScanError, match="contradicts itself"):
        read(dataset)
