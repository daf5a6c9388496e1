"""Whom a report is about, where the person at the page asks for it; nothing else here knows it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydicom import Dataset

from vmcore.imaging.dicom.silence import silence

_DATE = re.compile(
    r"(\d{4})[.-]?(\d{2})[.-]?(\d{2})"
)  # PS3.5 6.2 DA; with dots in files before 1993
_LONGEST = 120
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\s]+")


@dataclass(frozen=True, slots=True)
class PatientIdentity:
    """Who was examined and when, each as text to print, "" where the file does not say.

    Attributes:
        name: as people write it: prefix, given, middle and family name, suffix.
        patient_id: the institution's number of the patient.
        birth_date: ISO 8601 (2001-02-03), or as the file has it where it is no date.
        study_date: the same.
        accession_number: of the examination.
    """

    name: str = ""
    patient_id: str = ""
    birth_date: str = ""
    study_date: str = ""
    accession_number: str = ""

    @property
    def empty(self) -> bool:
        """Whether the file names nobody."""
        return not (self.name or self.patient_id or self.birth_date or self.accession_number)


def identity_of(header: Dataset) -> PatientIdentity:
    """Read who was examined from a header (PS3.3 C.7.1.1 and C.7.2.1).

    Args:
        header: of the original file; its pixels are not needed. A value that cannot be read counts
            as absent, and nothing of it is told to anybody.
    """
    return PatientIdentity(
        _person_name(_text(header, "PatientName")),
        _text(header, "PatientID"),
        _iso_date(_text(header, "PatientBirthDate")),
        _iso_date(_text(header, "StudyDate")),
        _text(header, "AccessionNumber"),
    )


def _text(header: Dataset, keyword: str) -> str:
    try:
        with silence():
            value = header.get(keyword, "")
            text = "" if value is None else str(value)
    except Exception:  # pydicom's own words would quote the value
        return ""
    return _UNSEEN.sub(" ", text).strip()[:_LONGEST]


def _person_name(value: str) -> str:
    """A DICOM person name (PS3.5 6.2.1) as it is written: its first group that says something.

    A name may be given alphabetically, ideographically and phonetically, apart by "="; the second
    stands in brackets behind the first.
    """
    groups = [_in_order(group) for group in value.split("=")]
    said = [group for group in groups[:2] if group]
    if not said:
        return next((group for group in groups if group), "")
    return said[0] if len(said) == 1 else f"{said[0]} ({said[1]})"


def _in_order(group: str) -> str:
    parts = [part.strip() for part in group.split("^")] + [""] * 5
    family, given, middle, prefix, suffix = parts[:5]
    return " ".join(part for part in (prefix, given, middle, family, suffix) if part)


def _iso_date(value: str) -> str:
    found = _DATE.fullmatch(value)
    return "-".join(found.groups()) if found else value
