"""The standard's tables find what is missing, empty or out of place, at any depth, and quote nothing."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import pydicom
import pytest
from pydicom import Dataset

from tests.reporting.test_case_study import CASE, header
from tests.standard_tables import faults
from vmcore.anatomy import HandCalliper
from vmcore.data.phantom import make_phantom, write_dicom
from vmcore.reporting.case.dicom import case_objects

SECRET = "KANARIENVOGEL"
HAND = HandCalliper((30.0, 40.0), (50.0, 40.0), 20.0, 7.5, "far", "file")


class Written(NamedTuple):
    """One of each kind of object that is written."""

    image: Dataset
    capture: Dataset
    report: Dataset
    state: Dataset


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Written:
    phantom = make_phantom(11.0, 3, shape=(240, 320))
    path = write_dicom(tmp_path_factory.mktemp("study") / "scan.dcm", phantom)
    case = replace(CASE, hand=(HAND,))
    return Written(pydicom.dcmread(path), *case_objects(case, header(path.read_bytes())))


@pytest.fixture
def written(originals: Written) -> Written:
    return copy.deepcopy(originals)


def items(report: Dataset) -> Iterator[Dataset]:
    for item in report.get("ContentSequence", ()):
        yield item
        yield from items(item)


def deepest(report: Dataset, value_type: str) -> Dataset:
    """The last content item of a value type; it lies in other items."""
    top = {id(item) for item in report.ContentSequence}
    found = [one for one in items(report) if one.ValueType == value_type and id(one) not in top]
    return found[-1]


def test_what_is_written_holds_to_the_tables(written: Written) -> None:
    assert [faults(one) for one in written] == [set()] * 4


@pytest.mark.parametrize(
    ("kind", "keyword"),
    [
        ("image", "SamplesPerPixel"), ("image", "Columns"), ("capture", "ConversionType"),
        ("capture", "StudyInstanceUID"), ("report", "CompletionFlag"), ("report", "ValueType"),
        ("report", "SOPInstanceUID"), ("state", "PresentationCreationDate"),
        ("state", "DisplayedAreaSelectionSequence"), ("state", "ContentLabel"),
    ],
)  # fmt: skip
def test_what_has_to_be_there_and_is_not_is_found(written, kind, keyword) -> None:
    dataset = getattr(written, kind)
    empty = copy.deepcopy(dataset)
    empty[keyword].value = None
    del dataset[keyword]
    missing = {line.split(": ", 1)[1] for line in faults(dataset)}
    assert f"{keyword}: TagMissing" in missing
    assert any(line.endswith(f"{keyword}: TagEmpty") for line in faults(empty))


@pytest.mark.parametrize(
    ("value_type", "keyword"),
    [
        ("NUM", "MeasuredValueSequence"), ("TEXT", "TextValue"), ("CODE", "ConceptCodeSequence"),
        ("CONTAINER", "ContinuityOfContent"), ("IMAGE", "ReferencedSOPSequence"),
        ("SCOORD", "GraphicData"), ("NUM", "RelationshipType"),
    ],
)  # fmt: skip
def test_what_an_item_in_items_has_to_have_is_missed(written, value_type, keyword) -> None:
    del deepest(written.report, value_type)[keyword]
    (fault,) = faults(written.report)
    assert fault.endswith(f"ContentSequence / {keyword}: TagMissing")


def test_an_attribute_out_of_place_is_found(written: Written) -> None:
    written.image.EchoTime = "80"
    assert faults(written.image) == {"General: EchoTime: TagUnexpected"}
    written.capture.TextValue = SECRET
    assert faults(written.capture) == {"General: TextValue: TagUnexpected"}
    (annotation, *_) = written.state.GraphicAnnotationSequence
    annotation.PatientName = SECRET
    (fault,) = faults(written.state)
    assert fault.endswith("GraphicAnnotationSequence / PatientName: TagUnexpected")
    deepest(written.report, "NUM").TextValue = SECRET
    deepest(written.report, "CODE").ConceptCodeSequence[0].PatientID = SECRET
    found = {line.split(" / ", 1)[-1] for line in faults(written.report)}
    assert {line.rsplit(" / ", 1)[-1] for line in found} == {
        "TextValue: TagNotAllowed",
        "PatientID: TagUnexpected",
    }


def test_a_value_that_is_none_of_its_kind_is_found_and_not_quoted(written, capsys, caplog) -> None:
    with pydicom.config.disable_value_validation():
        written.capture.PatientBirthDate = f"born {SECRET}"
    assert faults(written.capture) == {"patient: PatientBirthDate: InvalidValue"}
    assert SECRET not in caplog.text + "".join(capsys.readouterr())


def test_an_object_of_no_known_kind_is_no_pass(written: Written) -> None:
    written.image.SOPClassUID = "1.2.3.4"
    with pytest.raises(ValueError, match="UnknownSOPClassUID"):
        faults(written.image)
