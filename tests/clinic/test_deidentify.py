"""De-identified DICOM: nothing of a marked file comes through, and what comes out is a valid image."""

from __future__ import annotations

import io
import shutil
import subprocess
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as table
from pydicom import Dataset, dcmread
from pydicom.datadict import dictionary_VR, keyword_for_tag

from tests.clinic.marked_dicom import NAMES, marked_file, table_tags
from tests.standard_tables import faults
from vmcore import RESEARCH_USE_ONLY
from vmcore.clinic import DeidentifyOptions, Pseudonyms, deidentify
from vmcore.clinic.deidentification.header import identity_of
from vmcore.clinic.deidentification.profile import Action, action_of
from vmcore.data.phantom import make_phantom, write_dicom
from vmcore.imaging import ScanError, read_scan

KEY = bytes(range(32))


def made_of(data: bytes, **options: bool) -> tuple[Dataset, bytes]:
    content = deidentify(data, Pseudonyms(KEY), DeidentifyOptions(**options)).content
    return dcmread(io.BytesIO(content)), content


@pytest.fixture(scope="module")
def marked() -> tuple[bytes, list[bytes]]:
    return marked_file()


@pytest.fixture(scope="module")
def made(marked: tuple[bytes, list[bytes]]) -> tuple[Dataset, bytes]:
    return made_of(marked[0])


def left_in(content: bytes, marks: list[bytes]) -> list[bytes]:
    """Marks that stand in a file's bytes beside its pixels (which hold any four bytes by chance)."""
    begins = content.rindex(b"\xe0\x7f\x10\x00OB")
    header = content[:begins] + content[begins + 12 + 160 * 200 :]
    return [mark for mark in marks if len(mark) > 3 and mark in header]


def test_the_file_that_is_made_has_every_attribute_of_the_table(
    marked: tuple[bytes, list[bytes]],
) -> None:
    data, marks = marked
    source = dcmread(io.BytesIO(data))
    assert all(tag in source for tag in table_tags())
    assert len(table_tags()) > 600
    assert len(left_in(data, marks)) > 600  # the search finds what is there


@pytest.mark.parametrize("character_set", NAMES)
def test_no_value_comes_through(
    character_set: str, marked: tuple[bytes, list[bytes]], made: tuple[Dataset, bytes]
) -> None:
    data, marks = marked if character_set == "ISO_IR 192" else marked_file(character_set)
    _, content = made if character_set == "ISO_IR 192" else made_of(data)
    assert left_in(content, marks) == []


def test_each_attribute_is_treated_as_the_table_says(made: tuple[Dataset, bytes]) -> None:
    dataset, _ = made
    wrong = []
    for name, allowed in {
        "X_TAGS": "absent", "X_Z_TAGS": "absent", "X_D_TAGS": "absent", "X_Z_D_TAGS": "absent",
        "X_Z_U_STAR_TAGS": "absent", "Z_TAGS": "empty", "Z_D_TAGS": "empty", "D_TAGS": "dummy",
        "U_TAGS": "uid",
    }.items():  # fmt: skip
        for tag in (tag for tag in getattr(table, name) if len(tag) == 2 and tag[0] >= 8):
            keyword = keyword_for_tag(tag)
            if keyword in {"PatientName", "PatientID", "DerivationDescription"}:
                continue  # they hold a pseudonym, and what this program did
            value = dataset[tag].value if tag in dataset else None
            vr = dictionary_VR(tag) if keyword else ""
            values = [value] if isinstance(value, str) else value or []
            is_so = {
                "absent": tag not in dataset,
                "empty": tag in dataset and not value,
                "dummy": value not in (None, "") or vr == "SQ",
                "uid": bool(values) and all(str(one).startswith("2.25.") for one in values),
            }[allowed] or (not keyword and tag not in dataset)  # newer than pydicom's dictionary
            if not is_so:
                wrong.append(keyword or tag)
    assert wrong == []


def test_actions_are_the_standards() -> None:
    """As PS3.15 2026c prints them; and all that is private, a curve or an overlay goes."""
    assert action_of(0x00100010) is Action.EMPTY  # Patient's Name, Z
    assert action_of(0x00080018) is Action.UID  # SOP Instance UID, U
    assert action_of(0x00080080) is Action.REMOVE  # Institution Name, X/Z/D
    assert action_of(0x00081030) is Action.REMOVE  # Study Description, X
    assert action_of(0x0040A730) is Action.DUMMY  # Content Sequence, D
    assert action_of(0x00280010) is None  # Rows
    for tag in (0x00091001, 0x50003000, 0x501E0010, 0x60003000, 0x60FF4000, 0x60000022):
        assert action_of(tag) is Action.REMOVE


def test_the_record_of_what_was_done(made: tuple[Dataset, bytes]) -> None:
    dataset, content = made
    assert dataset.PatientIdentityRemoved == "YES"
    codes = [code.CodeValue for code in dataset.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113101"]
    assert {code.CodingSchemeDesignator for code in dataset.DeidentificationMethodCodeSequence} == {
        "DCM"
    }
    assert all(len(words) <= 64 for words in dataset.DeidentificationMethod)
    assert dataset.LongitudinalTemporalInformationModified == "REMOVED"
    assert dataset.BurnedInAnnotation == "NO"
    assert RESEARCH_USE_ONLY in dataset.DerivationDescription
    assert content[:128] == bytes(128)
    assert "SourceApplicationEntityTitle" not in dataset.file_meta
    assert dataset.file_meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID
    assert not [element for element in dataset.iterall() if element.tag.is_private]


def test_device_identity_stays_where_it_is_asked_for(marked: tuple[bytes, list[bytes]]) -> None:
    data, _ = marked
    source = dcmread(io.BytesIO(data))
    dataset, content = made_of(data, retain_device=True)
    for keyword in ("DeviceSerialNumber", "StationName", "DeviceUID"):
        assert dataset[keyword].value == source[keyword].value
    assert "113109" in [code.CodeValue for code in dataset.DeidentificationMethodCodeSequence]
    names = [element.value for element in source.iterall() if element.VR == "PN" and element.value]
    assert not [name for name in names if str(name).encode() in content]


def test_geometry_stays_and_pixels_beside_the_mask_do_too(
    marked: tuple[bytes, list[bytes]],
) -> None:
    data, _ = marked
    before, made = read_scan(data), deidentify(data, Pseudonyms(KEY))
    after = read_scan(made.content)
    assert after.spacing_mm == before.spacing_mm == (0.5, 0.5)
    assert after.region == before.region
    assert after.frames.shape == before.frames.shape
    assert (after.frames[:, ~made.mask] == before.frames[:, ~made.mask]).all()
    assert (after.frames == made.frames).all()
    assert not after.frames[:, :16].any()
    assert made.mask[20:].mean() < 0.3


def test_numbers_are_the_same_within_a_collection_and_no_other() -> None:
    one, other = Pseudonyms(KEY), Pseudonyms(bytes(32))
    assert one.uid("1.2.3") == one.uid("1.2.3\0") != one.uid("1.2.4")
    assert one.uid("1.2.3") != other.uid("1.2.3")
    assert one.uid("1.2.3").is_valid
    assert one.subject("A 17") == one.subject(" A  17 ") != other.subject("A 17")
    assert repr(one).find(KEY.hex()[:8]) == -1


def whose(patient: str, study: str, issuer: str = "") -> tuple[str, bool]:
    """Under which subject a file stands, and whether it is known."""
    source = Dataset()
    source.PatientID, source.StudyInstanceUID = patient, study
    if issuer:
        source.IssuerOfPatientID = issuer
    identity = identity_of(source, "digest")
    return Pseudonyms(KEY).subject(identity.patient), identity.known


@pytest.mark.parametrize("placeholder", ["ANON", "0", "unknown"])
def test_a_placeholder_names_nobody_and_the_study_counts(placeholder: str) -> None:
    first, known = whose(placeholder, "1.2.3")
    assert not known
    assert whose(placeholder, "1.2.3") == (first, False)
    assert whose(placeholder, "1.2.4")[0] != first


def test_one_number_from_two_issuers_is_two_patients() -> None:
    first, known = whose("17", "1.2.3", "HOSPITAL")
    assert known
    assert whose("17", "1.2.4", "HOSPITAL") == (first, True)
    assert whose("17", "1.2.5", "ELSEWHERE")[0] != first
    assert whose("17", "1.2.6") == (Pseudonyms(KEY).subject("17"), True)


def test_days_are_moved_by_a_patients_own_number() -> None:
    one = Pseudonyms(KEY)
    first, second = date(2024, 2, 28), date(2024, 3, 20)
    moved, later = one.moved(first, "A"), one.moved(second, "A")
    assert later - moved == second - first
    assert 1 <= (first - moved).days <= 1825
    assert one.moved(first, "B") != moved


def test_moved_dates_stand_in_the_file(tmp_path: Path) -> None:
    data = write_dicom(tmp_path / "a.dcm", make_phantom(8.0, 1, shape=(160, 200))).read_bytes()
    source = dcmread(io.BytesIO(data))
    dataset, _ = made_of(data, shift_dates=True)
    day = date(*(int(source.StudyDate[part]) for part in (slice(4), slice(4, 6), slice(6, 8))))
    assert dataset.StudyDate == Pseudonyms(KEY).moved(day, source.PatientID).strftime("%Y%m%d")
    assert not dataset.StudyTime
    assert dataset.LongitudinalTemporalInformationModified == "MODIFIED"
    assert "113107" in [code.CodeValue for code in dataset.DeidentificationMethodCodeSequence]


def test_the_file_is_a_valid_image(tmp_path: Path) -> None:
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy (dicom3tools) is not installed")
    data = write_dicom(tmp_path / "a.dcm", make_phantom(8.0, 1, shape=(160, 200))).read_bytes()
    (tmp_path / "b.dcm").write_bytes(deidentify(data, Pseudonyms(KEY)).content)
    assert errors(tmp_path / "b.dcm") == set()


def errors(path: Path) -> set[str]:
    """What the standard's tables and dciodvfy have against a file; empty where it is valid."""
    told = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False)
    said = {line for line in told.stderr.splitlines() if line.startswith("Error")}
    return said | faults(dcmread(path))


def test_what_is_no_dicom_image_is_refused_with_a_sentence() -> None:
    with pytest.raises(ScanError, match="no DICOM file"):
        deidentify(b"\x89PNG\r\n\x1a\n" + bytes(200), Pseudonyms(KEY))
    data, _ = marked_file()
    kind = b"1.2.840.10008.5.1.4.1.1.6.1"
    with pytest.raises(ScanError, match="cannot be de-identified here"):
        deidentify(data.replace(kind, b"1.2.840.10008.5.1.4.1.1.6.9"), Pseudonyms(KEY))
    with pytest.raises(ValueError, match="32 bytes"):
        Pseudonyms(b"short")


def test_the_picture_is_not_made_grey_or_coloured(made: tuple[Dataset, bytes]) -> None:
    dataset, _ = made
    assert (dataset.SamplesPerPixel, dataset.PhotometricInterpretation) == (1, "MONOCHROME2")
    assert dataset.pixel_array.dtype == np.uint8
