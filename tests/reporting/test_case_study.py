"""Originals with odd or broken headers: a sentence that quotes nothing, or a valid object."""

from __future__ import annotations

import io
import logging
import shutil
import subprocess
import warnings
from dataclasses import replace
from pathlib import Path

import pydicom
import pytest
from pydicom import Dataset
from pydicom.uid import UltrasoundImageStorage

from tests.reporting.test_measurement import CARD, analysed, calliper
from tests.standard_tables import faults
from vmcore.data.phantom import make_phantom, write_dicom
from vmcore.imaging import ReadLimits
from vmcore.imaging.dicom import read_source
from vmcore.reporting.case import ReportedCase
from vmcore.reporting.case.dicom import StudyError, case_objects, objects_zip

CASE = ReportedCase(analysed(calliper(11.2), 0.9), CARD)
SECRET = "KANARIENVOGEL"


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> bytes:
    phantom = make_phantom(11.0, 3, shape=(240, 320))
    return write_dicom(tmp_path_factory.mktemp("study") / "scan.dcm", phantom).read_bytes()


def header(original: bytes, **changes: object) -> Dataset:
    return read_source(changed(original, **changes), ReadLimits())


def changed(original: bytes, **changes: object) -> bytes:
    """The file with other elements; None takes one out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(io.BytesIO(original))
        for keyword, value in changes.items():
            if value is None:
                del dataset[keyword]
            else:
                setattr(dataset, keyword, value)
        stream = io.BytesIO()
        dataset.save_as(stream)
    return stream.getvalue()


def valid(made: list[Dataset], folder: Path) -> list[Dataset]:
    """The objects as they are read back, after other makers' programs found no error in them."""
    back = []
    for one in made:
        assert faults(one) == set()
        path = folder / f"{one.Modality}.dcm"
        one.save_as(path, enforce_file_format=True)
        if shutil.which("dciodvfy"):
            said = subprocess.run(["dciodvfy", "-new", path], capture_output=True, check=False)
            assert b"Error" not in said.stdout + said.stderr
        back.append(pydicom.dcmread(path))
    return back


@pytest.mark.parametrize(
    ("character_set", "name"),
    [
        ("ISO_IR 100", "Müller^Zoë"),
        ("ISO_IR 144", "Иванова^Мария"),
        ("ISO_IR 192", "Müller^Zoë=鈴木^花子"),
        (["", "ISO 2022 IR 87"], "Yamada^Hanako=山田^花子=やまだ^はなこ"),
        (["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동"),
        ("GB18030", "Wang^XiaoDong=王^小东"),
        (None, "O'Brien^Ann-Marie^^Dr."),
    ],
)
def test_a_name_is_the_same_whatever_it_was_written_in(
    original, tmp_path, character_set, name
) -> None:
    more = {} if character_set is None else {"SpecificCharacterSet": character_set}
    source = header(original, PatientName=name, **more)
    made = valid(case_objects(CASE, source), tmp_path)
    assert [str(one.PatientName) for one in made] == [name] * 3


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"StudyInstanceUID": None}, "which study it is"),
        ({"SeriesInstanceUID": None}, "which series it is"),
        ({"SOPInstanceUID": None}, "which image it is"),
        ({"StudyInstanceUID": f"1.2.{SECRET}"}, "UID of the file's study is not valid"),
        ({"SOPInstanceUID": "1.2." + "3" * 70}, "UID of the file's image is not valid"),
        ({"PatientID": [SECRET, "2"]}, "patient's number more than once"),
        ({"PatientID": SECRET * 6}, "patient's number in the file is not one"),
        ({"PatientName": SECRET * 6}, "patient's name in the file is not one"),
        ({"PatientName": f"{SECRET}\x07^A"}, "patient's name in the file is not one"),
        ({"Rows": None}, "how large its image is"),
    ],
)
def test_what_cannot_be_joined_gets_a_sentence_that_quotes_nothing(
    original, caplog, changes, words
) -> None:
    source = header(original, **changes)
    caplog.set_level(logging.DEBUG)
    caplog.clear()
    with pytest.raises(StudyError, match=words) as refused:
        case_objects(CASE, source)
    assert SECRET not in str(refused.value)
    assert SECRET not in caplog.text


def test_a_name_whose_bytes_contradict_its_character_set_is_refused(original) -> None:
    data = changed(original, SpecificCharacterSet="ISO_IR 100", PatientName="Müller^Zoë")
    source = read_source(data.replace(b"ISO_IR 100", b"ISO_IR 192"), ReadLimits())
    with pytest.raises(StudyError, match="patient's name"):
        case_objects(CASE, source)


@pytest.mark.parametrize(
    "changes",
    [
        {"PatientID": None, "PatientName": None},
        {"StudyDate": None, "StudyTime": None, "AccessionNumber": None, "StudyID": None},
        {"StudyDate": "2025-13-45", "PatientBirthDate": "gestern", "PatientSex": "weiblich"},
        {
            "ReferringPhysicianName": ["A^B", "C^D"],
            "StudyDescription": ["US", "OB"],
            "StudyID": "9" * 20,
        },
        {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.6"},  # ultrasound of before 1993, retired
        {"SOPClassUID": "1.3.12.2.1107.5.9.1"},  # a maker's own
    ],
)
def test_what_is_missing_or_retired_still_gives_valid_objects(original, tmp_path, changes) -> None:
    source = header(original, **changes)
    made = valid(case_objects(CASE, source), tmp_path)
    assert len(made) == 3
    for one in made:
        assert one.StudyInstanceUID == source.StudyInstanceUID
        assert source.SOPClassUID in one.to_json()
        assert (UltrasoundImageStorage in one.to_json()) == ("SOPClassUID" not in changes)
        assert not any(str(one.get(key, "")) in {"gestern", "weiblich"} for key in changes)


def test_a_frame_that_the_file_does_not_announce_is_refused(original) -> None:
    later = replace(CASE, analysis=replace(CASE.analysis, frame=3))
    with pytest.raises(StudyError, match="announces fewer frames"):
        case_objects(later, header(original))


def test_no_name_is_warned_of_or_logged_on_the_way(original, caplog) -> None:
    source = header(original, PatientName=SECRET, PatientID=SECRET, PatientBirthDate="19900230")
    caplog.set_level(logging.DEBUG)
    caplog.clear()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        packed = objects_zip(case_objects(CASE, source, observer=SECRET))
    assert SECRET not in caplog.text
    assert not any(SECRET in str(one.message) for one in warned)
    assert packed


@pytest.mark.parametrize(
    "window",
    [
        {"WindowCenter": 128, "WindowWidth": 256, "WindowCenterWidthExplanation": "NORMAL"},
        {"WindowCenter": [128, 60], "WindowWidth": [256, 80]},
        {"RescaleSlope": 1, "RescaleIntercept": 0},
        {"WindowCenter": 128},
        {"WindowCenter": 128, "WindowWidth": 0},
        {"WindowCenter": "1284567", "WindowWidth": "128"},
    ],
)
def test_a_grey_original_gets_its_callipers_or_a_sentence(original, tmp_path, window) -> None:
    grey = {"SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2"}
    data = changed(original, **grey, **window).replace(b"1284567 ", b"breit   ")
    source = read_source(data, ReadLimits())
    if window.get("WindowWidth") == 0 or window.get("WindowCenter") == "1284567":
        with pytest.raises(StudyError, match="grey-scale window"):
            case_objects(CASE, source)
    else:
        assert valid(case_objects(CASE, source), tmp_path)[2].Modality == "PR"


@pytest.mark.parametrize(
    ("shape", "keyword", "shown"),
    [
        ({"PixelAspectRatio": [4, 3]}, "PresentationPixelAspectRatio", [4, 3]),
        ({"PixelSpacing": [0.4, 0.3]}, "PresentationPixelSpacing", [0.4, 0.3]),
        ({}, "PresentationPixelAspectRatio", [1, 1]),
    ],
)
def test_pixels_are_shown_as_high_and_broad_as_the_original_has_them(
    original, tmp_path, shape, keyword, shown
) -> None:
    state = valid(case_objects(CASE, header(original, **shape)), tmp_path)[2]
    (area,) = state.DisplayedAreaSelectionSequence
    assert [float(value) for value in area[keyword].value] == shown
    assert ("PresentationPixelSpacing" in area) != ("PresentationPixelAspectRatio" in area)
