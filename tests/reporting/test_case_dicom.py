"""A frame's report as DICOM objects: right places, valid by other makers' programs, joined to the study."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pydicom
import pytest
from highdicom.sr import srread
from PIL import Image
from pydicom import Dataset
from pydicom.data import get_testdata_file
from pydicom.uid import JPEGBaseline8Bit

from tests.standard_tables import faults
from vmcore import RESEARCH_USE_ONLY
from vmcore.anatomy import AnatomyModel, HandCalliper, misplaced
from vmcore.data.phantom import make_phantom, write_dicom
from vmcore.data.phantom.writing import MADE_UP_NAME, MADE_UP_NUMBER
from vmcore.imaging import ReadLimits, read_scan
from vmcore.imaging.dicom import read_source
from vmcore.inference import Classifier, analyse
from vmcore.models import load_card
from vmcore.reporting.case import Assessment, ReportedCase, assess
from vmcore.reporting.case.dicom import case_objects, objects_zip
from vmcore.reporting.pictures import heatmap_png
from vmcore.settings import settings

SQUEEZED = 0.75  # rows of the phantom, so that its pixels are not square
HAND = HandCalliper((30.0, 40.0), (50.0, 40.0), 20.0, 7.5, "far", "file")
EXAMPLES = (
    "examples_ybr_color.dcm", "examples_palette.dcm", "examples_jpeg2k.dcm", "examples_rgb_color.dcm",
)  # fmt: skip


class Told(NamedTuple):
    """An answer and the header of what it is about."""

    case: ReportedCase
    source: Dataset


@pytest.fixture(scope="module")
def models() -> tuple[Classifier, AnatomyModel]:
    return Classifier.load(settings().bundle), AnatomyModel.load()


def told(models: tuple[Classifier, AnatomyModel], data: bytes, frame: int = 0) -> Told:
    scan = read_scan(data)
    analysis = analyse(scan, models[0], frame=frame, anatomy_model=models[1])
    return Told(ReportedCase(analysis, models[0].card), read_source(data, ReadLimits()))


@pytest.fixture(scope="module")
def squeezed(models, tmp_path_factory) -> tuple[Told, object]:
    """A wide phantom with pixels that are higher than broad, and what is true of it."""
    phantom = make_phantom(14.0, 21, shape=(300, 400))
    size = (400, round(300 * SQUEEZED))
    rows, columns = phantom.spacing_mm
    flat = replace(
        phantom,
        image=cv2.resize(phantom.image, size, interpolation=cv2.INTER_AREA),
        spacing_mm=(rows / SQUEEZED, columns),
        region=phantom.region._replace(
            row=round(phantom.region.row * SQUEEZED), height=round(phantom.region.height * SQUEEZED)
        ),
    )
    path = write_dicom(tmp_path_factory.mktemp("squeezed") / "scan.dcm", flat)
    return told(models, path.read_bytes()), phantom


@pytest.fixture(scope="module")
def no_head(squeezed) -> Told:
    """An answer about a picture in which no head was found."""
    case = squeezed[0].case
    anatomy = replace(case.analysis.anatomy, head=None, midline=None, atrium=None)
    return replaced(squeezed[0], analysis=replace(case.analysis, anatomy=anatomy))


def replaced(told: Told, **fields: object) -> Told:
    return Told(replace(told.case, **fields), told.source)  # type: ignore[arg-type]


def of_example(told: Told, name: str) -> Told:
    """The same answer, as if it were of one of pydicom's files: a loop's frame 8, or its only one."""
    source = read_source(Path(get_testdata_file(name)).read_bytes(), ReadLimits())
    frame = 7 * ("NumberOfFrames" in source)
    case = replace(told.case, analysis=replace(told.case.analysis, frame=frame), hand=(HAND,))
    return Told(case, source)


def written(dataset: Dataset, path: Path) -> Path:
    dataset.save_as(path, enforce_file_format=True)
    return path


def run(program: str, *arguments: object) -> str:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed (tests/clinic/install-dicom-tools.sh)")
    done = subprocess.run(
        [program, *map(str, arguments)],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    return done.stdout + done.stderr


def decided(outcome: str, **more: object) -> Assessment:
    fields = {"label": None, "person": "Anna Weiß", "reason": "checked", "signed_in": True} | more
    return assess(outcome, **fields)  # type: ignore[arg-type]


def numbers(report: Dataset) -> list[Dataset]:
    found = []
    for item in report.get("ContentSequence", ()):
        found += [item] * (item.ValueType == "NUM") + numbers(item)
    return found


def ends(number: Dataset) -> np.ndarray:
    (place,) = [item for item in number.ContentSequence if item.ValueType == "SCOORD"]
    return np.reshape(place.GraphicData, (2, 2))


def comments(report: Dataset) -> str:
    texts = []
    for item in report.get("ContentSequence", ()):
        texts += [item.TextValue] if item.ValueType == "TEXT" else [comments(item)]
    return " ".join(texts)


def text_of(dataset: Dataset) -> str:
    return json.dumps(dataset.to_json_dict(), ensure_ascii=False, default=str)


def width(report: Dataset) -> Dataset:
    return next(
        item for item in numbers(report) if item.ConceptNameCodeSequence[0].CodeValue == "12171-5"
    )


def test_the_ends_lie_in_the_source_where_its_own_pixel_size_gives_the_width(squeezed) -> None:
    (case, source), phantom = squeezed
    _, report, state = case_objects(case, source)
    number = width(report)
    places = ends(number)
    region = source.SequenceOfUltrasoundRegions[0]
    across, down = 10 * (places[1] - places[0]) * (region.PhysicalDeltaX, region.PhysicalDeltaY)
    measured = number.MeasuredValueSequence[0]
    assert float(measured.NumericValue) == pytest.approx(
        np.hypot(across, down), abs=0.06
    )  # told in tenths
    assert measured.MeasurementUnitsCodeSequence[0].CodeValue == "mm"
    assert case.analysis.clean.offset != (0, 0) or case.analysis.clean.image.shape[:2] == (225, 400)
    true = (np.array(phantom.atrium) + 0.5)[:, ::-1] * (1, SQUEEZED)  # whole numbers are centres
    assert np.abs(places - true).max() < 12
    drawn = [item for item in state.GraphicAnnotationSequence if item.GraphicLayer == "CALLIPER"]
    assert drawn[0].GraphicObjectSequence[0].GraphicData == pytest.approx(places.ravel(), abs=1e-3)


def test_a_pixel_that_is_marked_is_the_pixel_that_is_told(squeezed, tmp_path) -> None:
    (case, source), _ = squeezed
    clean = replace(case.analysis.clean, offset=(36, 11))
    pixels = np.zeros((225, 400), np.uint8)
    pixels[36 + 30, 11 + 40], pixels[36 + 50, 11 + 40] = 1, 2  # the calliper's ends by hand
    case = replace(case, analysis=replace(case.analysis, clean=clean), hand=(HAND,))
    _, report, _ = case_objects(case, source)
    found = [pixels[int(row), int(column)] for column, row in ends(numbers(report)[-1])]
    assert found == [1, 2]
    assert np.allclose(
        ends(numbers(report)[-1]) % 1, 0.5
    )  # the middle of a pixel, PS3.3 C.10.5.1.2


def test_highdicom_reads_groups_codes_and_algorithms_back(squeezed, tmp_path) -> None:
    (case, source), _ = squeezed
    case = replace(
        case, hand=(HAND,), assessment=decided("corrected", label="ventriculomegaly", width_mm=13.0)
    )
    _, report, _ = case_objects(case, source, observer="Maria")
    back = srread(written(report, tmp_path / "report.dcm"))
    groups = back.content.get_image_measurement_groups()
    decision, verdict, measured, by_hand, together = groups
    assert not together.get_qualitative_evaluations()  # a person's correction holds, not these
    assert not verdict.get_qualitative_evaluations()
    assert [group.get_measurements()[0].value for group in (decision, by_hand)] == [13.0, 7.5]
    assert measured.get_measurements()[0].value == round(case.analysis.anatomy.atrium.width_mm, 1)
    assert measured.get_measurements()[0].name.meaning == "Length"
    assert presences(report) == ["Present"]  # the person's
    text = text_of(pydicom.dcmread(tmp_path / "report.dcm"))
    for version in (
        case.analysis.bundle_digest,
        case.analysis.anatomy_digest,
        "Maria^",
        "Anna Weiß^",
    ):
        assert version in text
    assert RESEARCH_USE_ONLY in comments(report)


def test_the_uncertainty_is_the_95_per_cent_interval(squeezed) -> None:
    (case, source), _ = squeezed
    _, report, _ = case_objects(case, source)
    reach = 1.96 * case.analysis.anatomy.atrium.uncertainty_mm
    told = [
        float(item.MeasuredValueSequence[0].NumericValue)
        for item in width(report).ContentSequence
        if item.RelationshipType == "HAS PROPERTIES"
    ]
    assert told == pytest.approx([reach, reach], abs=0.11)  # its ends are told in tenths


@pytest.mark.parametrize(
    ("outcome", "flag"),
    [("accepted", "VERIFIED"), ("corrected", "VERIFIED"), ("rejected", "UNVERIFIED"), (None, "UNVERIFIED")],
)  # fmt: skip
def test_only_a_person_who_stands_by_an_answer_verifies_it(squeezed, outcome, flag) -> None:
    (case, source), _ = squeezed
    assessment = decided(outcome, width_mm=12.0) if outcome else None
    _, report, _ = case_objects(replace(case, assessment=assessment), source)
    assert report.VerificationFlag == flag
    assert ("VerifyingObserverSequence" in report) == (flag == "VERIFIED")
    assert ("not to be used" in comments(report)) == (outcome == "rejected")
    if assessment is not None:
        typed = replace(case, assessment=replace(assessment, signed_in=False))
        assert case_objects(typed, source)[1].VerificationFlag == "UNVERIFIED"


def presences(report: Dataset) -> list[str]:
    """What each group says of ventriculomegaly, in their order."""
    found = []
    for item in report.get("ContentSequence", ()):
        if item.ConceptNameCodeSequence[0].CodeValue == "144181000119106":
            found.append(item.ConceptCodeSequence[0].CodeMeaning)
        found += presences(item)
    return found


def test_one_finding_stands_in_a_report_however_many_measured(squeezed) -> None:
    (case, source), _ = squeezed
    machine, contradicted = case, replace(case, hand=(HAND,))  # 7.5 mm by hand, 14 mm by machine
    assert presences(case_objects(machine, source)[1]) == ["Present"]
    assert presences(case_objects(contradicted, source)[1]) == ["Undetermined"]
    rejected = replace(contradicted, assessment=decided("rejected"))
    assert presences(case_objects(rejected, source)[1]) == []
    corrected = replace(machine, assessment=decided("corrected", label="normal", width_mm=9.0))
    assert presences(case_objects(corrected, source)[1]) == ["Absent"]


@pytest.mark.parametrize("outcome", ["corrected", "rejected"])
def test_what_a_person_does_not_let_stand_is_not_told_as_a_ventricle_s_width(
    squeezed, outcome: str
) -> None:
    (case, source), _ = squeezed
    case = replace(case, assessment=decided(outcome, label=None, width_mm=9.0))
    capture, report, state = case_objects(case, source)
    told = [
        float(number.MeasuredValueSequence[0].NumericValue)
        for number in numbers(report)
        if number.ConceptNameCodeSequence[0].CodeValue == "12171-5"
    ]
    assert told == [9.0]  # the person's alone
    drawn = next(x for x in state.GraphicAnnotationSequence if x.GraphicLayer == "CALLIPER")
    words = drawn.TextObjectSequence[0].UnformattedTextValue
    assert words.startswith(f"{outcome.capitalize()} by a person")
    undecided = case_objects(replace(case, assessment=None), source)[0]
    assert capture.Rows > undecided.Rows  # a line more above the picture


def test_a_calliper_that_cannot_be_an_atrium_s_is_a_length_and_says_why(squeezed) -> None:
    (case, source), _ = squeezed
    atrium = case.analysis.anatomy.atrium
    (row, column), (other_row, other_column) = atrium.start, atrium.end
    across = replace(  # from the far ventricle through the midline to the other side
        HAND, start=(row, column), end=(other_row - 120, other_column), width_mm=40.0
    )
    case = replace(case, hand=(across,))
    _, report, state = case_objects(case, source)
    by_hand = numbers(report)[-1]
    assert by_hand.ConceptNameCodeSequence[0].CodeMeaning == "Length"
    doubt = misplaced(across, case.analysis.anatomy)
    assert doubt is not None
    assert comments(report).count(doubt) >= 1
    drawn = next(x for x in state.GraphicAnnotationSequence if x.GraphicLayer == "HAND")
    assert doubt in drawn.TextObjectSequence[0].UnformattedTextValue


@pytest.mark.parametrize("name", ["squeezed", *EXAMPLES])
def test_other_makers_programs_find_no_error(squeezed, no_head, name, tmp_path) -> None:
    case, source = squeezed[0] if name == "squeezed" else of_example(no_head, name)
    case = replace(case, assessment=decided("rejected"))
    for made in case_objects(case, source, looked_at=True):
        assert faults(made) == set()
        path = written(made, tmp_path / f"{made.Modality}.dcm")
        said = run("dciodvfy", "-new", path)
        assert "Error" not in said
        assert any(
            iod in said for iod in ("SCImage", "ComprehensiveSR", "SoftcopyPresentationState")
        )
        if made.Modality == "PR":
            assert "Test passed" in run("dcmpschk", path)


def test_dcmtk_shows_the_width(squeezed, tmp_path) -> None:
    (case, source), _ = squeezed
    _, report, _ = case_objects(case, source)
    shown = run("dsrdump", written(report, tmp_path / "report.dcm"))
    value = width(report).MeasuredValueSequence[0].NumericValue
    assert f'"Lateral Ventricle width")="{value}" (mm,UCUM' in shown
    assert "SCOORD" in shown


def test_no_head_gives_a_report_without_width_and_nothing_to_draw(no_head) -> None:
    case, source = no_head
    capture, report = case_objects(case, source)
    assert numbers(report) == []
    assert "No fetal head was found" in comments(report)
    assert "Undetermined" in text_of(report)
    assert capture.Modality == "OT"


def test_a_width_without_millimetres_is_a_length_in_pixels(squeezed) -> None:
    (case, source), _ = squeezed
    bare = replace(case.analysis.anatomy.atrium, width_mm=None, millimetres_from=None)
    anatomy = replace(case.analysis.anatomy, atrium=bare)
    case = replace(case, analysis=replace(case.analysis, anatomy=anatomy))
    _, report, _ = case_objects(case, source)
    (number,) = numbers(report)
    assert number.ConceptNameCodeSequence[0].CodeMeaning == "Length"
    value = number.MeasuredValueSequence[0]
    assert value.MeasurementUnitsCodeSequence[0].CodeValue == "{pixels}"
    assert float(value.NumericValue) == round(bare.width_px, 2)


def test_objects_join_the_study_and_refer_to_the_image_and_its_frame(no_head) -> None:
    case, source = of_example(no_head, "examples_ybr_color.dcm")
    made = case_objects(case, source)
    assert [one.StudyInstanceUID for one in made] == [source.StudyInstanceUID] * 3
    assert len({one.SeriesInstanceUID for one in made} | {source.SeriesInstanceUID}) == 4
    for one in made:
        text = text_of(one)
        assert source.SOPInstanceUID in text
        assert source.SOPClassUID in text
        assert one.PatientID == source.PatientID
        assert one.ContentQualification == "RESEARCH"
    assert made[0].SourceImageSequence[0].ReferencedFrameNumber == 8
    annotation = made[2].GraphicAnnotationSequence[0]
    assert annotation.ReferencedImageSequence[0].ReferencedFrameNumber == 8
    place = next(
        item for item in numbers(made[1])[-1].ContentSequence if item.ValueType == "SCOORD"
    )
    assert place.ContentSequence[0].ReferencedSOPSequence[0].ReferencedFrameNumber == 8


def test_the_capture_is_the_picture_that_is_handed_out(squeezed) -> None:
    (case, source), _ = squeezed
    capture = case_objects(case, source, looked_at=True)[0]
    picture = Image.open(io.BytesIO(heatmap_png(case)))
    assert np.array_equal(capture.pixel_array, np.asarray(picture))
    assert capture.BurnedInAnnotation == "NO"
    assert capture.DerivationDescription.startswith(RESEARCH_USE_ONLY)
    assert "BurnedInAnnotation" not in case_objects(case, source)[0]  # nobody looked


def test_a_capture_of_a_lossy_original_is_lossy_though_its_header_does_not_say_so(squeezed) -> None:
    name = "examples_ybr_color.dcm"  # JPEG baseline
    data = pydicom.dcmread(get_testdata_file(name))
    assert data.file_meta.TransferSyntaxUID == JPEGBaseline8Bit
    del data["LossyImageCompression"]
    stream = io.BytesIO()
    data.save_as(stream)
    case = of_example(squeezed[0], name).case
    capture = case_objects(case, read_source(stream.getvalue(), ReadLimits()))[0]
    assert (capture.LossyImageCompression, capture.LossyImageCompressionMethod) == (
        "01", "ISO_10918_1",
    )  # fmt: skip


def test_files_are_named_by_what_they_are(squeezed) -> None:
    (case, source), _ = squeezed
    made = case_objects(case, source)
    with zipfile.ZipFile(io.BytesIO(objects_zip(made))) as archive:
        names = archive.namelist()
        assert names == ["capture.dcm", "report.dcm", "presentation-state.dcm"]
        for name, one in zip(names, made, strict=True):
            back = pydicom.dcmread(io.BytesIO(archive.read(name)))
            assert back.SOPInstanceUID == one.SOPInstanceUID
            assert (back.PatientName, back.PatientID) == (MADE_UP_NAME, MADE_UP_NUMBER)


@pytest.mark.parametrize("kind", ["MONOCHROME1", "MONOCHROME2"])
def test_a_grey_original_is_shown_as_it_is_under_its_callipers(squeezed, kind, tmp_path) -> None:
    (case, _), _ = squeezed
    grey = np.random.default_rng(1).integers(0, 256, (225, 400), np.uint8)
    image = pydicom.dcmread(get_testdata_file("examples_rgb_color.dcm"))
    image.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, kind
    image.Rows, image.Columns = grey.shape
    image.WindowCenter, image.WindowWidth = 128, 256
    del image.PlanarConfiguration
    image.PixelData = (255 - grey if kind == "MONOCHROME1" else grey).tobytes()
    path = written(image, tmp_path / "image.dcm")
    state = case_objects(case, read_source(path.read_bytes(), ReadLimits()))[2]
    assert state.SOPClassUID.name == "Grayscale Softcopy Presentation State Storage"
    assert faults(state) == set()
    place = written(state, tmp_path / "state.dcm")
    assert "Error" not in run("dciodvfy", "-new", place)
    run("dcmp2pgm", "-p", place, path, tmp_path / "shown.pgm")
    assert np.abs(np.asarray(Image.open(tmp_path / "shown.pgm")).astype(int) - grey).max() <= 1


def test_the_bundled_model_is_named_with_its_version(squeezed) -> None:
    (case, source), _ = squeezed
    assert load_card(settings().bundle).name in text_of(case_objects(case, source)[1])
