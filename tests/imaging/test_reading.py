"""Reading: every format and encoding, against pydicom's and Pillow's own decoding."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, TiffImagePlugin
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import FileMetaDataset
from pydicom.pixels import apply_color_lut, convert_color_space, pixel_array
from pydicom.uid import (
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
    UltrasoundImageStorage,
)

from vmcore.data.phantom import make_phantom, write_dicom
from vmcore.imaging import FrameError, Region, Scan, ScanError, read_scan


def packaged(name: str) -> Path:
    return Path(str(get_testdata_file(name, download=False)))


def as_ultrasound(name: str) -> bytes:
    """A packaged file with its modality changed, so that only its encoding is tested."""
    dataset = dcmread(packaged(name))
    dataset.Modality = "US"
    return to_bytes(dataset)


def to_bytes(dataset: Dataset) -> bytes:
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def grey_dataset(values: np.ndarray, photometric: str = "MONOCHROME2") -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = UltrasoundImageStorage, "1.2.3"
    dataset.Modality, dataset.SamplesPerPixel = "US", 1
    dataset.PhotometricInterpretation = photometric
    dataset.Rows, dataset.Columns = values.shape
    dataset.BitsAllocated = 8 * values.itemsize
    dataset.BitsStored = dataset.BitsAllocated
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(values.dtype.kind == "i")
    dataset.PixelData = values.tobytes()
    dataset["PixelData"].VR = "OW" if values.itemsize > 1 else "OB"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return dataset


def test_a_colour_loop_has_every_frame_as_pydicom_decodes_it() -> None:
    path = packaged("examples_ybr_color.dcm")
    scan = read_scan(path)
    assert scan.frames.shape == (30, 240, 320, 3)
    assert scan.frames.dtype == np.uint8
    dataset = dcmread(path)
    expected = pixel_array(dataset, raw=True)
    rgb = convert_color_space(expected, "YBR_FULL", "RGB", per_frame=True)
    assert np.abs(scan.frames.astype(int) - rgb).max() <= 1


def test_a_palette_is_looked_up() -> None:
    path = packaged("examples_palette.dcm")
    dataset = dcmread(path)
    expected = apply_color_lut(dataset.pixel_array, dataset)
    scan = read_scan(path)
    assert np.abs(scan.frames[0] - expected / expected.max() * 255).max() < 2 + 255 * (
        1 - expected.max() / 65535 if expected.dtype == np.uint16 else 0
    )


def test_region_and_spacing_come_from_the_ultrasound_regions() -> None:
    dataset = dcmread(packaged("examples_palette.dcm"))
    item = dataset.SequenceOfUltrasoundRegions[0]
    item.RegionLocationMaxY1 = dataset.Rows - 1  # the file's picture was cut off below
    scan = read_scan(to_bytes(dataset))
    assert scan.spacing_mm == pytest.approx((item.PhysicalDeltaY * 10, item.PhysicalDeltaX * 10))
    assert scan.region is not None
    assert scan.region.row == item.RegionLocationMinY0
    assert scan.region.column == item.RegionLocationMinX0
    assert scan.device == "Philips Medical Systems CX50"


@pytest.mark.parametrize("name", ["examples_palette.dcm", "examples_ybr_color.dcm"])
def test_real_pictures_that_were_cut_or_made_smaller_have_no_size(name: str) -> None:
    """The second one's pixels are twice as large as its region, which is of 640 columns, says."""
    scan = read_scan(packaged(name))
    assert (scan.region, scan.spacing_mm) == (None, None)
    assert any("does not fit" in note for note in scan.notes)


@pytest.mark.parametrize(
    "name",
    [
        "examples_rgb_color.dcm",
        "examples_jpeg2k.dcm",
        "MR_small_jpeg_ls_lossless.dcm",
        "MR_small_jp2klossless.dcm",
        "MR_small_RLE.dcm",
        "MR_small.dcm",
        "MR_small_bigendian.dcm",
        "JPGExtended.dcm",
        "SC_rgb_jpeg_gdcm.dcm",
        "SC_rgb_rle_2frame.dcm",
        "SC_rgb_rle_16bit.dcm",
        "SC_ybr_full_422_uncompressed.dcm",
    ],
)
def test_each_encoding_is_decoded_as_pydicom_does(name: str) -> None:
    scan = read_scan(as_ultrasound(name))
    dataset = dcmread(packaged(name))
    expected = pixel_array(dataset, raw=False).astype(float)
    frames = expected.reshape(scan.frames.shape[0], *scan.frames.shape[1:3], -1)
    if dataset.SamplesPerPixel == 3:
        top = 2 ** int(dataset.BitsStored) - 1
        assert np.abs(scan.frames - frames * (255 / top)).max() <= 1
    else:  # windowed: the order of grey values is kept
        order = np.argsort(frames.ravel(), kind="stable")
        assert (np.diff(scan.frames[..., :1].ravel()[order].astype(int)) >= 0).all()
        assert scan.frames.min() < 64
        assert scan.frames.max() > 192


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_lossless_compression_changes_nothing(tmp_path: Path, syntax: str) -> None:
    plain = write_dicom(tmp_path / "plain.dcm", make_phantom(8.0, 1, shape=(160, 200)))
    dataset = dcmread(plain)
    dataset.compress(syntax)
    assert np.array_equal(read_scan(to_bytes(dataset)).frames, read_scan(plain).frames)


def test_jpeg_lossless_is_decoded() -> None:
    """Process 14, selection value 1, as a fragment made by hand from a constant image."""
    dataset = grey_dataset(np.zeros((64, 64), np.uint8))
    from pydicom.encaps import encapsulate

    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.70"
    dataset.PixelData = encapsulate([constant_lossless_jpeg(64, 64)])
    dataset["PixelData"].is_undefined_length = True
    scan = read_scan(to_bytes(dataset))
    assert scan.frames.shape == (1, 64, 64, 3)
    assert (scan.frames == 128).all()  # 2 ** (P - 1) is the first predictor (ITU-T T.81, H.1.2.1)


def constant_lossless_jpeg(rows: int, columns: int) -> bytes:
    """A lossless JPEG (SOF3) whose every difference is 0: one Huffman code of one bit, '0'."""
    start = b"\xff\xc3" + (11).to_bytes(2, "big") + b"\x08" + rows.to_bytes(2, "big")
    start += columns.to_bytes(2, "big") + b"\x01\x01\x11\x00"
    table = b"\xff\xc4" + (2 + 17 + 1).to_bytes(2, "big") + b"\x00" + b"\x01" + bytes(15) + b"\x00"
    scan = b"\xff\xda" + (8).to_bytes(2, "big") + b"\x01\x01\x00\x01\x00\x00"
    return b"\xff\xd8" + start + table + scan + bytes(rows * columns // 8) + b"\xff\xd9"


def test_sixteen_bit_window_follows_the_linear_formula() -> None:
    values = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)
    dataset = grey_dataset(values)
    dataset.RescaleSlope, dataset.RescaleIntercept = 2, -100
    dataset.WindowCenter, dataset.WindowWidth = 2000, 1000
    shown = values * 2.0 - 100
    expected = ((shown - (2000 - 0.5)) / (1000 - 1) + 0.5).clip(0, 1) * 255  # PS3.3 C.11.2.1.2.1
    got = read_scan(to_bytes(dataset)).frames[0, ..., 0]
    assert np.abs(got - expected).max() <= 1


def test_monochrome1_is_inverted() -> None:
    values = np.linspace(0, 255, 64 * 64).astype(np.uint8).reshape(64, 64)
    got = read_scan(to_bytes(grey_dataset(values, "MONOCHROME1"))).frames[0, ..., 0]
    assert np.array_equal(got, 255 - values)


def test_pixel_spacing_is_the_second_choice() -> None:
    dataset = grey_dataset(np.zeros((64, 64), np.uint8))
    dataset.PixelSpacing = [0.2, 0.3]
    assert read_scan(to_bytes(dataset)).spacing_mm == (0.2, 0.3)
    dataset.PixelSpacing = [0, 0.3]
    assert read_scan(to_bytes(dataset)).spacing_mm is None


def test_a_phantom_file_gives_its_pixels_region_and_spacing_back(tmp_path: Path) -> None:
    frames = [make_phantom(width, 2, shape=(160, 200)) for width in (6.0, 12.0)]
    scan = read_scan(write_dicom(tmp_path / "loop.dcm", *frames))
    assert np.array_equal(scan.frames, np.stack([frame.image for frame in frames]))
    assert scan.region == Region(*frames[0].region)
    assert scan.spacing_mm == pytest.approx(frames[0].spacing_mm)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP", "JPEG"])
def test_rasters_are_read_by_content(kind: str) -> None:
    picture = make_phantom(8.0, 3, shape=(120, 150)).image
    stream = io.BytesIO()
    options = {"lossless": True} if kind == "WEBP" else {}
    Image.fromarray(picture).save(stream, kind, **options)
    scan = read_scan(stream.getvalue(), name="wrong.dcm")
    expected = np.asarray(Image.open(io.BytesIO(stream.getvalue())).convert("RGB"))
    assert np.array_equal(scan.frames[0], expected)
    assert scan.kind == kind
    assert scan.spacing_mm is None


def test_exif_rotation_is_applied() -> None:
    picture = Image.fromarray(make_phantom(8.0, 3, shape=(120, 150)).image)
    stream = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned 90 degrees clockwise
    picture.save(stream, "PNG", exif=exif)
    expected = np.rot90(np.asarray(picture), k=-1)
    assert np.array_equal(read_scan(stream.getvalue()).frames[0], expected)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("highest", [200, 4095, 4096, 5000, 16383, 60000])
def test_deep_grey_pictures_are_white_where_they_are_brightest(highest: int, kind: str) -> None:
    values = np.linspace(0, highest, 64 * 64).round().astype(np.uint16).reshape(64, 64)
    stream = io.BytesIO()
    Image.fromarray(values).save(stream, kind)
    got = read_scan(stream.getvalue()).frames[0, ..., 0]
    assert np.abs(got - values / highest * 255).max() <= 0.51


def deep_stack(*pages: npt.NDArray[np.uint16], white_is_zero: bool = False) -> bytes:
    stream = io.BytesIO()
    first, *more = map(Image.fromarray, pages)
    first.save(stream, "TIFF", save_all=True, append_images=more)
    data = bytearray(stream.getvalue())
    if white_is_zero:  # Pillow writes no such files
        entry = struct.pack("<HHI", TiffImagePlugin.PHOTOMETRIC_INTERPRETATION, 3, 1)
        at = data.index(entry) + len(entry)
        assert data.count(entry) == len(pages)
        data[at : at + 4] = bytes(4)
    return bytes(data)


def test_pages_of_a_deep_stack_are_shown_alike() -> None:
    pages = [np.full((40, 50), top, np.uint16) for top in (3000, 4095, 12000)]
    scan = read_scan(deep_stack(*pages))
    assert [int(frame[0, 0, 0]) for frame in scan.frames] == [64, 87, 255]


def test_pages_without_numbers_are_refused_each_by_itself() -> None:
    good, none = np.full((40, 50), 0.5, np.float32), np.full((40, 50), np.nan, np.float32)
    stream = io.BytesIO()
    Image.fromarray(good).save(stream, "TIFF", save_all=True, append_images=[Image.fromarray(none)])
    scan = read_scan(stream.getvalue())
    assert (scan.frames[0] == 128).all()  # of 0 to 1
    with pytest.raises(FrameError, match="Frame 2"):
        scan.frames[1]
    stream = io.BytesIO()
    Image.fromarray(none).save(stream, "TIFF", save_all=True, append_images=[Image.fromarray(good)])
    with pytest.raises(ScanError, match="not numbers"):
        read_scan(stream.getvalue())


def test_a_deep_tiff_whose_white_is_zero_is_no_negative() -> None:
    values = np.linspace(0, 65535, 64 * 64).round().astype(np.uint16).reshape(64, 64)
    got = read_scan(deep_stack(values, white_is_zero=True)).frames[0, ..., 0]
    assert np.abs(got - (255 - values / 65535 * 255)).max() <= 1


def test_values_above_unused_bits_are_shifted_down() -> None:
    values = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)
    expected = read_scan(to_bytes(grey_dataset(values))).frames
    dataset = grey_dataset(values << 4)
    dataset.BitsStored, dataset.HighBit = 12, 15
    assert np.array_equal(read_scan(to_bytes(dataset)).frames, expected)


def test_transparency_is_laid_on_black() -> None:
    picture = np.full((40, 40, 4), 200, np.uint8)
    picture[:20, :, 3], picture[20:, :, 3] = 0, 255
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    frame = read_scan(stream.getvalue()).frames[0]
    assert (frame[:20] == 0).all()
    assert (frame[20:] == 200).all()


def test_a_tiff_stack_is_a_loop() -> None:
    pages = [Image.fromarray(np.full((40, 50), value, np.uint8)) for value in (10, 20, 30)]
    stream = io.BytesIO()
    pages[0].save(stream, "TIFF", save_all=True, append_images=pages[1:])
    scan = read_scan(stream.getvalue())
    assert [int(frame[0, 0, 0]) for frame in scan.frames] == [10, 20, 30]


def test_a_scan_has_no_place_for_identity() -> None:
    fields = {
        "frames",
        "spacing_mm",
        "pixel_aspect",
        "calibrations",
        "device",
        "region",
        "kind",
        "notes",
    }
    assert set(Scan.__slots__) == fields
