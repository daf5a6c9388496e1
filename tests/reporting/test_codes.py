"""The report's codes: SNOMED CT's own numbers with the meaning that others give them."""

from __future__ import annotations

from highdicom.sr import CodedConcept

from vmcore.reporting.case.dicom import concepts

_STEP = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]
_FITS = 16  # characters of a Code Value (PS3.5, VR SH)


def test_ventriculomegaly_is_the_finding_of_fetal_ultrasound() -> None:
    """As in https://fhir.kbv.de/ValueSet/KBV_VS_MIO_MR_Morphology."""
    code = concepts.VENTRICULOMEGALY
    assert (code.value, code.scheme_designator) == ("144181000119106", "SCT")
    assert code.meaning == "Fetal ultrasound ventriculomegaly"


def test_the_last_digit_of_each_snomed_code_is_the_check_of_the_others() -> None:
    named = [one for one in vars(concepts).values() if isinstance(one, CodedConcept)]
    told = [one.value for one in (*named, *concepts.PRESENCE.values())
            if one.scheme_designator == "SCT"]  # fmt: skip
    assert len(told) >= 8
    assert all(_verhoeff(value) == 0 and len(value) <= _FITS for value in told)
    assert _verhoeff("144181000119160") != 0  # two digits changed places


def _verhoeff(digits: str) -> int:
    """Zero where the last digit is right (SNOMED CT Release File Specification, check-digit)."""
    check = 0
    for place, digit in enumerate(map(int, reversed(digits))):
        moved = digit
        for _ in range(place % 8):
            moved = _STEP[moved]
        check = _dihedral(check, moved)
    return check


def _dihedral(a: int, b: int) -> int:
    """The product of two of the dihedral group's ten elements: 0 to 4 turns, 5 to 9 mirrors."""
    turn = (a + b) % 5 if a < 5 else (a - b) % 5
    return turn + 5 * ((a < 5) != (b < 5))
