"""Names and dates of a header as people write them, and nothing of them anywhere else."""

from __future__ import annotations

import warnings
from pathlib import Path

import pydicom
import pytest
from pydicom import Dataset
from pydicom.data import get_charset_files

from vmcore.reporting.case import PatientIdentity, identity_of


def header(**values: object) -> Dataset:
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Doe^Jane", "Jane Doe"),
        ("Adams^John Robert Quincy^^Rev.^B.A. M.Div.", "Rev. John Robert Quincy Adams B.A. M.Div."),
        ("Morrison-Jones^Susan^^^Ph.D.", "Susan Morrison-Jones Ph.D."),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "Tarou Yamada (太郎 山田)"),
        ("=山田^太郎", "太郎 山田"),
        ("Doe", "Doe"),
        ("^^^^", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_a_name_is_written_as_people_write_it(name: str | None, written: str) -> None:
    # the examples are those of DICOM PS3.5 6.2.1
    assert identity_of(header(PatientName=name)).name == written


def test_dates_are_iso_and_what_is_no_date_stays_as_it_is() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of setting them
        odd = header(PatientBirthDate="about 1990", StudyDate="2026.01.03")
    dated = identity_of(header(PatientBirthDate="19900102"))
    assert dated.birth_date == "1990-01-02"
    assert identity_of(odd).study_date == "2026-01-03"  # as files before 1993 have it
    assert identity_of(odd).birth_date == "about 1990"


def test_numbers_are_text_without_signs_that_cannot_be_seen() -> None:
    made = header(PatientID=" 47\u202e11\n", AccessionNumber="A-17")
    assert identity_of(made) == PatientIdentity(patient_id="47 11", accession_number="A-17")
    assert identity_of(Dataset()).empty
    assert not identity_of(made).empty


@pytest.mark.parametrize(
    ("file", "written"),
    [
        ("chrRuss.dcm", "Люкceмбypг"),
        ("chrGreek.dcm", "Διονυσιος"),
        ("chrH31.dcm", "Tarou Yamada (太郎 山田)"),
    ],
)
def test_names_of_other_alphabets_are_read_from_real_files(file: str, written: str) -> None:
    path = Path(get_charset_files(file)[0])
    assert identity_of(pydicom.dcmread(path, stop_before_pixels=True)).name == written


def test_a_value_that_cannot_be_read_is_absent_and_told_to_nobody(
    caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    from pydicom.dataelem import RawDataElement
    from pydicom.tag import Tag

    made = Dataset()
    tag = Tag(0x00100010)
    raw = RawDataElement(tag, "FD", 5, b"Doe^J", 0, is_implicit_VR=False, is_little_endian=True)
    made[tag] = raw  # five bytes are no number of eight
    assert identity_of(made).name == ""
    assert "Doe" not in caplog.text
    assert not [one for one in recwarn if "Doe" in str(one.message)]
