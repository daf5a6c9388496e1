"""The header of an original: whole but for its pixels, read apart, and no word of it elsewhere."""

from __future__ import annotations

import io
import logging
import warnings
from pathlib import Path

import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import (
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSNearLossless,
)

from tests.imaging.drawn import dataset_of, picture, saved
from vmcore.data.phantom import make_phantom, write_dicom, write_png
from vmcore.data.phantom.writing import MADE_UP_NAME, MADE_UP_NUMBER
from vmcore.imaging import ReadLimits, ScanError, read_source_sandboxed
from vmcore.imaging.dicom import read_source


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> bytes:
    phantom = make_phantom(8.0, 3, shape=(120, 160))
    return write_dicom(tmp_path_factory.mktemp("source") / "scan.dcm", phantom).read_bytes()


def test_a_header_says_all_but_pixels(data, tmp_path) -> None:
    (tmp_path / "scan.dcm").write_bytes(data)
    whole = pydicom.dcmread(tmp_path / "scan.dcm")
    header = read_source(data, ReadLimits())
    assert [element.tag for element in header] == [
        element.tag for element in whole if element.keyword != "PixelData"
    ]
    assert (header.PatientName, header.PatientID) == (MADE_UP_NAME, MADE_UP_NUMBER)
    assert header.StudyInstanceUID == whole.StudyInstanceUID


def test_a_process_of_its_own_reads_the_same(data) -> None:
    assert read_source_sandboxed(data) == read_source(data, ReadLimits())
    with pytest.raises(ScanError, match="Only a DICOM file belongs to a study"):
        read_source_sandboxed(b"\x89PNG\r\n\x1a\n" + bytes(200))


def test_deflated_files_have_a_header_too() -> None:
    dataset = dataset_of(picture())
    dataset.PatientID = "12"
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    assert read_source(saved(dataset), ReadLimits()).PatientID == "12"


def test_overlays_private_elements_and_large_values_stay_behind() -> None:
    dataset = dataset_of(picture())
    dataset.add_new(0x00091001, "LO", "PRIVATE")
    dataset.add_new(0x60003000, "OW", bytes(64))
    dataset.add_new(0x00420011, "OB", bytes(2**17))
    dataset.ImageComments = "kept"
    header = read_source(saved(dataset), ReadLimits())
    assert header.ImageComments == "kept"
    assert not {0x00091001, 0x60003000, 0x00420011, 0x7FE00010} & {one.tag for one in header}


def test_an_element_that_is_no_number_does_not_hide_the_others() -> None:
    dataset = dataset_of(picture())
    dataset.PatientID, dataset.ReferencePixelX0 = "12", 7
    told, wrong = b"\x18\x00\x20\x60SL\x04\x00", b"\x18\x00\x20\x60FD\x04\x00"  # of eight bytes
    data = saved(dataset)
    assert told in data
    header = read_source(data.replace(told, wrong), ReadLimits())
    assert header.PatientID == "12"
    assert "ReferencePixelX0" not in header


def test_a_picture_belongs_to_no_study(tmp_path) -> None:
    path: Path = write_png(tmp_path / "scan.png", make_phantom(8.0, 3, shape=(120, 160)))
    with pytest.raises(ScanError, match="Only a DICOM file belongs to a study"):
        read_source(path.read_bytes(), ReadLimits())


def test_what_is_wrong_is_not_quoted(caplog) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = dataset_of(picture())
        dataset.PatientBirthDate, dataset.PatientID = "SECRET-DAY", "SECRET" * 20
        data = saved(dataset)
    caplog.set_level(logging.DEBUG)
    caplog.clear()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        header = read_source(data, ReadLimits())
        assert header.PatientBirthDate == "SECRET-DAY"
    assert not warned
    assert "SECRET" not in caplog.text
    with pytest.raises(ScanError) as refused:
        read_source(data, ReadLimits(file_bytes=1000))
    assert "SECRET" not in str(refused.value)


@pytest.mark.parametrize(
    ("syntax", "said", "expected"),
    [
        (JPEGBaseline8Bit, None, ("01", "ISO_10918_1")),
        (JPEGBaseline8Bit, "00", ("01", "ISO_10918_1")),
        (JPEGLSNearLossless, None, ("01", "ISO_14495_1")),
        (JPEG2000, None, ("01", "ISO_15444_1")),
        (JPEG2000, "00", ("00", None)),  # it may be without loss
        (JPEG2000Lossless, None, (None, None)),
        (ExplicitVRLittleEndian, None, (None, None)),
    ],
)
def test_loss_that_the_transfer_syntax_tells_of_is_said(syntax, said, expected) -> None:
    dataset = dataset_of(picture())
    if said is not None:
        dataset.LossyImageCompression = said
    if syntax.is_compressed:
        dataset.PixelData = encapsulate([bytes(dataset.PixelData)])
    dataset.file_meta.TransferSyntaxUID = syntax
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    header = read_source(stream.getvalue(), ReadLimits())
    told = header.get("LossyImageCompression"), header.get("LossyImageCompressionMethod")
    assert told == expected
