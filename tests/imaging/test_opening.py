"""What counts as DICOM, with or without its preamble, and what is named for what it is."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.fileset import FileSet
from pydicom.uid import DeflatedExplicitVRLittleEndian, UltrasoundImageStorage, generate_uid

from tests.imaging.drawn import compressed, dataset_of, jpeg, picture, saved
from tests.imaging.test_reading import as_ultrasound, packaged
from vmcore.imaging import ReadLimits, ScanError, read_scan
from vmcore.imaging.kinds import HEAD_BYTES, looks_like_scan


def bare(dataset: Dataset, *, implicit: bool, little: bool = True) -> bytes:
    """The data set alone: no preamble, no meta header."""
    del dataset.file_meta
    stream = io.BytesIO()
    dcmwrite(stream, dataset, implicit_vr=implicit, little_endian=little, enforce_file_format=False)
    return stream.getvalue()


def words() -> Dataset:
    """Grey values of 16 bits, in which a wrong byte order shows, on a file of a group 0008."""
    return dataset_of(picture()[..., 0].astype("<u2") * 257, colour="MONOCHROME2")


@pytest.mark.parametrize("implicit", [True, False])
def test_a_bare_data_set_is_read(implicit: bool) -> None:
    data = bare(dataset_of(picture()), implicit=implicit)
    assert data[128:132] != b"DICM"
    assert looks_like_scan(data[:HEAD_BYTES])
    assert np.array_equal(read_scan(data).frames[0], picture())


def test_a_bare_big_endian_data_set_is_read() -> None:
    dataset = words()
    dataset.PixelData = np.frombuffer(dataset.PixelData, "<u2").astype(">u2").tobytes()
    scan = read_scan(bare(dataset, implicit=False, little=False))
    assert np.abs(scan.frames[0].astype(int) - picture()).max() <= 60  # shown by its own range
    assert np.corrcoef(scan.frames[0].ravel(), picture().ravel())[0, 1] > 0.999


def test_a_bare_data_set_may_begin_with_its_picture() -> None:
    dataset = dataset_of(picture())
    del dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.Modality
    data = bare(dataset, implicit=True)
    assert data[:4] == b"\x28\x00\x02\x00"
    assert np.array_equal(read_scan(data).frames[0], picture())


def test_a_meta_header_without_a_preamble_is_read() -> None:
    data = saved(dataset_of(picture()))[132:]
    assert np.array_equal(read_scan(data).frames[0], picture())


def test_a_bare_compressed_file_says_what_is_missing() -> None:
    data = bare(compressed([jpeg(picture())]), implicit=False)
    with pytest.raises(ScanError, match="does not say how its image is compressed"):
        read_scan(data)


@pytest.mark.parametrize("seed", range(200))
def test_random_bytes_are_not_dicom(seed: int) -> None:
    data = np.random.default_rng(seed).bytes(4000)
    starts = (b"", b"\x08\x00", b"\x08\x00\x05", b"\x28\x00\x02\x00", b"\x02\x00")
    for start in starts:
        with pytest.raises(ScanError, match="not a scan"):
            read_scan(start + data)


def test_a_discs_index_is_named_and_says_where_the_pictures_are(tmp_path: Path) -> None:
    dataset = dataset_of(picture())
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.file_meta.MediaStorageSOPClassUID = UltrasoundImageStorage
    dataset.PatientName, dataset.PatientID = "DOE^JANE", "77"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
    dataset.StudyDate, dataset.StudyTime, dataset.StudyID = "20200101", "1200", "1"
    dataset.SeriesNumber = dataset.InstanceNumber = 1
    disc = FileSet()
    disc.add(dataset)
    disc.write(tmp_path)
    disc._stage["t"].cleanup()  # which pydicom leaves to the collector
    with pytest.raises(ScanError, match=r"disc's index .* folders beside it") as caught:
        read_scan(tmp_path / "DICOMDIR")
    assert "DOE" not in str(caught.value)
    (image,) = (path for path in tmp_path.rglob("*") if path.is_file() and path.name != "DICOMDIR")
    assert np.array_equal(read_scan(image).frames[0], picture())


def test_a_deflated_file_is_read_as_pydicom_reads_it() -> None:
    scan = read_scan(as_ultrasound("image_dfl.dcm"))
    assert np.array_equal(
        scan.frames[0, ..., 0], dcmread(packaged("image_dfl.dcm")).pixel_array.astype(np.uint8)
    )


def test_a_deflated_bomb_is_not_inflated() -> None:
    dataset = dataset_of(picture())
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    data = saved(dataset)
    small = len(picture().tobytes()) // 2
    with pytest.raises(ScanError, match="unpacks to more than the limit"):
        read_scan(data, limits=ReadLimits(file_bytes=max(small, len(data))))


def test_a_deflated_bomb_costs_no_more_memory_than_the_limit() -> None:
    import tracemalloc

    dataset = dataset_of(picture())
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = packer.compress(bytes(200 * 2**20)) + packer.flush()
    whole = saved(dataset)
    meta_end = 132 + 12 + struct.unpack_from("<I", whole, 140)[0]
    bomb = whole[:meta_end] + body
    assert len(bomb) < 300_000
    tracemalloc.start()
    with pytest.raises(ScanError, match="unpacks to more than the limit of 8 MB"):
        read_scan(bomb, limits=ReadLimits(file_bytes=8 * 2**20))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40 * 2**20


def box(brand: bytes, *others: bytes) -> bytes:
    body = b"ftyp" + brand + b"\0\0\0\0" + b"".join(others)
    return (4 + len(body)).to_bytes(4, "big") + body + bytes(100)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (box(b"heic", b"mif1", b"heic"), "HEIC"),
        (box(b"mif1", b"miaf", b"heic", b"MiHB"), "HEIC"),
        (box(b"avif", b"avif", b"mif1"), "AVIF"),
        (box(b"mif1", b"avif"), "AVIF"),
        (box(b"isom", b"isom", b"iso2", b"avc1", b"mp41"), "video"),
        (box(b"qt  "), "video"),
        (bytes(4) + b"moov" + bytes(100), "video"),
        (b"RIFF" + bytes(4) + b"AVI LIST" + bytes(100), "video"),
        (b"\0\0\1\xba" + bytes(100), "video"),
        (b"\xff\x4f\xff\x51" + bytes(100), "JPEG 2000"),
    ],
)
@pytest.mark.parametrize("name", [None, "scan.dcm", "scan.png"])
def test_files_that_are_no_scans_are_named(data: bytes, words: str, name: str | None) -> None:
    with pytest.raises(ScanError, match=words):
        read_scan(data, name=name)
    assert not looks_like_scan(data[:HEAD_BYTES])


@pytest.mark.parametrize("number", ["100", "101", "102", "103", "104", "105", "106", "107", "108"])
@pytest.mark.parametrize("fragmentable", ["", ".1"])
def test_a_video_in_dicom_is_named_with_what_to_export(number: str, fragmentable: str) -> None:
    if fragmentable and int(number) > 106:
        pytest.skip("there is no such transfer syntax")
    syntax = f"1.2.840.10008.1.2.4.{number}{fragmentable}"
    dataset = compressed([b"\0\0\1\xb3" + bytes(64)], syntax=syntax, colour="YBR_PARTIAL_420")
    with pytest.raises(ScanError, match=r"video; export the loop as multi-frame DICOM"):
        read_scan(saved(dataset))


def tiff(*pages: Image.Image) -> bytes:
    stream = io.BytesIO()
    pages[0].save(
        stream, "TIFF", save_all=True, append_images=pages[1:], compression="tiff_deflate"
    )
    return stream.getvalue()


@pytest.mark.parametrize("tag", [256, 257, 258, 259, 262, 273, 277, 278, 279])
@pytest.mark.parametrize("change", ["removed", "text"])
def test_a_tiff_without_a_needed_tag_is_refused_or_read(tag: int, change: str) -> None:
    data = bytearray(tiff(Image.fromarray(picture())))
    (place,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, place)
    entries = [place + 2 + 12 * index for index in range(count)]
    entry = next(at for at in entries if struct.unpack_from("<H", data, at)[0] == tag)
    struct.pack_into("<HH", data, entry, *((65000, 3) if change == "removed" else (tag, 2)))
    try:
        scan = read_scan(bytes(data))
    except ScanError as error:
        assert str(error).endswith(".")  # noqa: PT017
    else:
        assert scan.frames.shape[3] == 3


def test_a_tiff_without_a_width_is_refused() -> None:
    data = bytearray(tiff(Image.fromarray(picture())))
    (place,) = struct.unpack_from("<I", data, 4)
    assert struct.unpack_from("<H", data, place + 2)[0] == 256
    struct.pack_into("<H", data, place + 2, 65000)
    with pytest.raises(ScanError, match="damaged"):
        read_scan(bytes(data))


def test_later_pages_of_a_tiff_are_checked_before_they_are_decoded() -> None:
    data = tiff(Image.fromarray(picture()), Image.new("RGB", (8000, 8000)))
    assert len(data) < 500_000
    import tracemalloc

    tracemalloc.start()
    with pytest.raises(ScanError, match="differ in size"):
        read_scan(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * 2**20  # the second page alone would take 192 MB
