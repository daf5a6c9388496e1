"""Values that may stand in a de-identified header: made anew of what was read, never passed on.

A value is read as what its attribute holds by the dictionary (PS3.6), and written from that: bytes that
are something else under an attribute's tag do not come through.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from pydicom import DataElement, Dataset
from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword
from pydicom.tag import BaseTag
from pydicom.uid import UID

from vmcore.clinic.deidentification.kept import LONGEST_NUMBER, NUMBERS, TERMS
from vmcore.clinic.deidentification.pseudonyms import Pseudonyms

_STANDARD = "1.2.840.10008."
_UID = re.compile(r"[0-9]+(\.[0-9]+)+")
_LONGEST_TEXT = 64  # characters of LO
_WHOLE = {"IS", "US", "UL", "SS", "SL"}
_DUMMIES: dict[str, Any] = {
    **dict.fromkeys(("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT"), "REMOVED"),
    "AS": "000Y",
    "DA": "19000101",
    "DT": "19000101000000",
    "TM": "000000",
    "UR": "https://removed.invalid",
    **dict.fromkeys(("DS", "IS"), "0"),
    **dict.fromkeys(("FD", "FL", "SL", "SS", "UL", "US", "SV", "UV"), 0),
    **dict.fromkeys(("OB", "UN"), b"\0\0"),
}
PLACEHOLDERS = (
    "ANON", "ANONYM", "ANONYMOUS", "ANONYMIZED", "ANONYMISED", "DUMMY", "NA", "NIL", "NOID", "NONAME", "NONE",
    "NULL", "PATIENT", "TEST", "TESTPATIENT", "UNDEFINED", "UNKNOWN", "XXX", "XXXX",
)  # fmt: skip
"""Patient IDs, without signs and in capitals, that devices and people write where they know no number."""


def values_of(dataset: Dataset, tag: BaseTag | int) -> list[Any]:
    """An attribute's values as pydicom reads them; none where it is empty or cannot be read.

    None either where the file gives it another value representation than the dictionary does.
    """
    try:
        element = dataset[tag]
        if element.VR not in dictionary_VR(tag).split(" or "):
            return []
        value = element.value
    except Exception:  # as many ways to fail as there are values; what it says may quote them
        return []
    if value is None or value == "":
        return []
    many = isinstance(value, Iterable) and not isinstance(value, str | bytes | Dataset)
    return list(value) if many and element.VR != "PN" else [value]


def first_text(dataset: Dataset, keyword: str) -> str:
    """An attribute's first value as plain text, or ""."""
    values = values_of(dataset, _tag(keyword))
    return " ".join(str(values[0]).replace("\0", " ").split()) if values else ""


def is_placeholder(patient: str) -> bool:
    """Whether a Patient ID names nobody: one of :data:`PLACEHOLDERS`, nothing but zeros, or no letter or digit.

    Everybody whose file holds the same of these would else be one subject.
    """
    plain = "".join(sign for sign in patient.upper() if sign.isalnum())
    return not plain.strip("0") or plain in PLACEHOLDERS


def numbers_or_terms(keyword: str, values: list[Any]) -> list[Any]:
    """Values of an attribute that stays, each made anew; none of them where one is not as it must be."""
    if keyword in NUMBERS:
        made = [_number(dictionary_VR(keyword), value) for value in values]
    else:
        made = [str(value) if TERMS[keyword].fullmatch(str(value)) else None for value in values]
    return [] if any(one is None for one in made) else made


def plain_text(values: list[Any]) -> str:
    """The first value as one line of printable ASCII, up to 64 characters."""
    words = " ".join(str(value) for value in values[:1])
    signs = "".join(sign if sign.isascii() and sign.isprintable() else " " for sign in words)
    return " ".join(signs.replace("\\", " ").split())[:_LONGEST_TEXT]


def day_of(dataset: Dataset, keyword: str) -> date | None:
    """A date, or None where there is none that the calendar knows."""
    try:
        return datetime.strptime(first_text(dataset, keyword), "%Y%m%d").date()  # noqa: DTZ007  a day
    except ValueError:
        return None


def replaced_uids(values: list[Any], pseudonyms: Pseudonyms) -> list[UID]:
    """UIDs in place of others; those that the standard itself defines stay."""
    return [
        UID(str(value)) if _is_standard(str(value)) else pseudonyms.uid(str(value))
        for value in values
    ]


def dummy(tag: BaseTag | int) -> DataElement | None:
    """An element with a value that says nothing; None for sequences, and for what has no such value.

    A sequence that the profile replaces is left out whole: no ultrasound image asks for one of them.
    """
    vr = dictionary_VR(tag)
    return DataElement(tag, vr, _DUMMIES[vr]) if vr in _DUMMIES else None


def empty(tag: BaseTag | int) -> DataElement | None:
    """An element without a value; None where the dictionary does not know the attribute."""
    if not keyword_for_tag(tag):
        return None
    vr = dictionary_VR(tag)
    return DataElement(tag, vr, [] if vr == "SQ" else None)


def _number(vr: str, value: Any) -> Any:
    try:
        if vr == "AT":
            return int(value)
        number = float(value)
        if not math.isfinite(number):
            return None
        if vr in _WHOLE:
            small = number == int(number) and abs(number) <= LONGEST_NUMBER
            return int(number) if small else None
    except (TypeError, ValueError, OverflowError):
        return None
    return float(f"{number:.9g}") if vr == "DS" else number


def _is_standard(uid: str) -> bool:
    return uid.startswith(_STANDARD) and bool(_UID.fullmatch(uid)) and UID(uid).name != uid


def _tag(keyword: str) -> int:
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise KeyError(keyword)
    return tag
