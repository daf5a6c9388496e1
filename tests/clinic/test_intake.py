"""What a hospital exports comes in: scans are taken, litter is counted, traps are refused."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file
from pydicom.uid import MediaStorageDirectoryStorage

from tests.archived import packed, png
from vmcore.clinic import Intake, take_in
from vmcore.imaging import ScanError, read_scan
from vmcore.imaging.archives import ArchiveLimits


def dicom(name: str) -> bytes:
    return Path(str(get_testdata_file(name))).read_bytes()


def dropped(data: bytes, name: str = "export.zip", limits: ArchiveLimits | None = None) -> Intake:
    return take_in("a", name, lambda: data, limits)


def test_an_export_gives_its_scans_and_counts_the_rest() -> None:
    files = {
        "STUDY 1/IM0001": dicom("examples_palette.dcm"),
        "STUDY 1/picture.png": png(),
        "DICOMDIR": dicom("DICOMDIR"),
        "STUDY 1/dir2": dicom("DICOMDIR"),
        "__MACOSX/STUDY 1/._picture.png": b"\0\5\x16\7",
        ".DS_Store": b"\0\0\0\1Bud1",
        "VIEWER/viewer.exe": b"MZ\x90",
        "VIEWER/start": b"MZ\x90",
        "Report.PDF": b"%PDF-1.4",
        "letter": b"%PDF-1.7",
        "STUDY 1/SR0001": dicom("reportsi.dcm"),
        "more.zip": packed({"x.png": png()}),
        "empty": b"",
    }
    intake = dropped(packed(files))
    assert [read_scan(file.content()).kind for file in intake.files] == ["DICOM", "PNG"]
    assert intake.skipped == {
        "DICOM directories": 2,
        "system files": 3,
        "viewer programs": 2,
        "documents": 2,
        "DICOM reports and documents": 1,
        "archives within an archive": 1,
    }
    assert not intake.refused
    assert len({file.key for file in intake.files}) == 2


@pytest.mark.parametrize(
    "name",
    ["examples_ybr_color.dcm", "examples_jpeg2k.dcm", "examples_rgb_color.dcm", "CT_small.dcm"],
)
def test_a_picture_in_dicom_is_never_taken_for_litter(name: str) -> None:
    assert len(dropped(dicom(name), "IM1").files) == 1


def test_a_directory_without_its_name_is_known_by_its_class() -> None:
    data = dicom("DICOMDIR")
    assert MediaStorageDirectoryStorage.encode() in data
    assert dropped(data, "IM7").skipped == {"DICOM directories": 1}


def test_a_file_alone_is_left_to_its_reader() -> None:
    intake = dropped(b"neither this nor that" * 9, "scan.bin")
    assert len(intake.files) == 1
    assert dropped(b"%PDF-1.4", "report.pdf").skipped == {"documents": 1}


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = packed({"a.png": bytes(30_000_000)})
    assert len(bomb) < 100_000
    intake = dropped(bomb)
    assert not intake.files
    assert "unpack to far more than it is" in intake.refused[0]


def test_an_entry_that_lies_about_its_size_is_cut_off() -> None:
    honest = bytearray(packed({"a.png": png() * 40}, zipfile.ZIP_STORED))
    size = len(png() * 40)
    claimed = (size // 2).to_bytes(4, "little")
    real = size.to_bytes(4, "little")
    lying = bytes(honest).replace(real, claimed)
    (file,) = dropped(lying).files
    with pytest.raises(ScanError, match="archive"):
        file.content()


@pytest.mark.parametrize("name", ["../../etc/x.png", "/etc/x.png", "C:\\x.png", "a/../../x.png"])
def test_a_path_outside_is_left_out_and_told(name: str) -> None:
    intake = dropped(packed({name: png(), "inside.png": png()}))
    assert len(intake.files) == 1
    assert intake.refused == ("A file of the archive would lie outside of it and was left out.",)
    assert name not in repr(intake.refused)


def test_too_much_is_refused_with_the_limit() -> None:
    many = packed({f"{number}.png": png() for number in range(30)})
    assert (
        "30 files, more than the limit of 20" in dropped(many, limits=ArchiveLimits(20)).refused[0]
    )
    large = dropped(many, limits=ArchiveLimits(unpacked_bytes=100_000))
    assert "more than the limit of 0.0 GB" in large.refused[0]


@pytest.mark.parametrize("cut", [30, 200, -30])
def test_a_damaged_archive_never_raises_but_says_so(cut: int) -> None:
    intake = dropped(packed({f"{number}.png": png(number) for number in range(3)})[:cut])
    assert not intake.files
    assert intake.refused[0].startswith("The archive is damaged")


def test_one_damaged_entry_leaves_the_others() -> None:
    data = bytearray(packed({"a.png": png(1), "b.png": png(2)}, zipfile.ZIP_STORED))
    data[bytes(data).find(png(1)) + 40] ^= 0xFF
    first, second = dropped(bytes(data)).files
    with pytest.raises(ScanError, match="this file in it cannot be unpacked"):
        first.content()
    assert second.content() == png(2)


def test_a_password_is_named() -> None:
    data = bytearray(packed({"a.png": png()}))
    for mark in (b"PK\1\2", b"PK\3\4"):
        place = bytes(data).find(mark) + (8 if mark == b"PK\1\2" else 6)
        data[place] |= 1
    assert "password" in dropped(bytes(data)).refused[0]
