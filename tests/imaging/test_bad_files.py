"""Bad files: one clear sentence each, nothing decoded that is too large, no identity quoted."""

from __future__ import annotations

import io
import logging
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread

from tests.imaging.test_reading import grey_dataset, packaged, to_bytes
from vmcore.data.phantom import make_phantom, write_dicom
from vmcore.data.phantom.writing import MADE_UP_NAME, MADE_UP_NUMBER
from vmcore.imaging import ReadLimits, ScanError, read_scan


def png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))


def animated(kind: str) -> bytes:
    frames = [Image.fromarray(np.full((40, 40), value, np.uint8)) for value in (0, 128, 255)]
    stream = io.BytesIO()
    frames[0].save(stream, kind, save_all=True, append_images=frames[1:])
    return stream.getvalue()


def tiny_png() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (1, 1)).save(stream, "PNG")
    return stream.getvalue()


def locked_zip() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("scan.dcm", b"0" * 100)
    data = bytearray(stream.getvalue())
    data[6] |= 1  # general purpose bit 0: encrypted; in the file's header and in the list of files
    data[bytes(data).index(b"PK\1\2") + 8] |= 1
    return bytes(data)


def truncated_dicom() -> bytes:
    data = packaged("examples_rgb_color.dcm").read_bytes()
    return data[: len(data) // 2]


def truncated_jpeg_dicom() -> bytes:
    data = packaged("examples_ybr_color.dcm").read_bytes()
    return data[: len(data) // 3]


def without_pixels() -> bytes:
    dataset = dcmread(packaged("examples_rgb_color.dcm"))
    del dataset.PixelData
    return to_bytes(dataset)


def huge_dicom() -> bytes:
    dataset = grey_dataset(np.zeros((64, 64), np.uint8))
    dataset.Rows = dataset.Columns = 30_000
    return to_bytes(dataset)


def endless_dicom() -> bytes:
    dataset = grey_dataset(np.zeros((64, 64), np.uint8))
    dataset.NumberOfFrames = 1_000_000
    return to_bytes(dataset)


def half_png() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(make_phantom(8.0, 1, shape=(120, 150)).image).save(stream, "PNG")
    return stream.getvalue()[: stream.tell() // 2]


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "empty"),
    "text": (lambda: b"Patient: Jane Doe, born 1990\n" * 20, "not a scan"),
    "truncated DICOM": (truncated_dicom, "damaged or incomplete"),
    "truncated JPEG DICOM": (truncated_jpeg_dicom, "cut short"),
    "DICOM without pixels": (without_pixels, "no image"),
    "huge PNG": (lambda: png_header(30_000, 30_000), "30000 x 30000"),
    "huge DICOM": (huge_dicom, "30000 x 30000"),
    "endless DICOM": (endless_dicom, "1000000 frames"),
    "CT": (lambda: packaged("CT_small.dcm").read_bytes(), "CT image"),
    "MR": (lambda: packaged("MR_small.dcm").read_bytes(), "MR image"),
    "report": (lambda: packaged("reportsi.dcm").read_bytes(), "report"),
    "locked archive": (locked_zip, "archive"),
    "animated GIF": (lambda: animated("GIF"), "GIF"),
    "animated PNG": (lambda: animated("PNG"), "animated"),
    "one pixel": (tiny_png, "too small"),
    "half a PNG": (half_png, "damaged"),
    "magic only": (lambda: b"\x00" * 128 + b"DICM", "no image"),
    "PDF": (lambda: b"%PDF-1.7", "PDF"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_gets_one_clear_sentence(name: str) -> None:
    make, words = BAD[name]
    with pytest.raises(ScanError) as caught:
        read_scan(make())
    sentence = str(caught.value)
    assert words in sentence
    assert sentence.endswith(".")
    assert len(sentence) < 200
    assert "Doe" not in sentence
    assert "Traceback" not in sentence


def test_a_file_over_the_limit_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    with path.open("wb") as stream:
        stream.truncate(3 * 2**20)
    limits = ReadLimits(file_bytes=2 * 2**20)
    for source in (path, path.read_bytes()):
        with pytest.raises(ScanError, match="larger than the limit of 2 MB"):
            read_scan(source, limits=limits)


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(ScanError, match="cannot be opened"):
        read_scan(tmp_path / "nothing.dcm")


def test_identity_reaches_neither_errors_nor_logs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    path = write_dicom(tmp_path / "p.dcm", make_phantom(8.0, 1, shape=(160, 200)))
    data = path.read_bytes()
    said = []
    with caplog.at_level(logging.DEBUG):
        for cut in (150, 400, 700, 900, 1200, len(data) // 2, len(data) - 1):
            try:
                scan = read_scan(data[:cut], name=MADE_UP_NAME)
            except ScanError as error:
                cause = error.__cause__
                said.append(f"{error} {cause}")
            else:
                said.append(repr(scan))
        said.append(repr(read_scan(data)))
    captured = capfd.readouterr()
    everything = " ".join([*said, caplog.text, captured.out, captured.err])
    for secret in (MADE_UP_NAME, MADE_UP_NAME.split("^")[1], MADE_UP_NUMBER, "19950101"):
        assert secret not in everything


@pytest.mark.parametrize("seed", range(40))
def test_damaged_bytes_never_raise_anything_else(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = ("examples_ybr_color.dcm", "examples_palette.dcm", "examples_jpeg2k.dcm")
    data = bytearray(packaged(names[seed % 3]).read_bytes())
    for place in rng.integers(132, len(data), 60):
        data[place] = int(rng.integers(256))
    try:
        scan = read_scan(bytes(data))
    except ScanError:
        return
    assert scan.frames.dtype == np.uint8
    assert scan.frames.ndim == 4
