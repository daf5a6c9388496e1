"""DICOMweb with another maker's archive: stored once, found by what is typed, fetched as it is there."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from tests.clinic.orthanc import SECRET, USER, Orthanc, free_port, needs_orthanc, until
from vmcore.clinic.network import Inbox, Kept, Outbox, State, node_runs
from vmcore.clinic.network.dicomweb import (
    ArchiveError,
    FoundImage,
    StudyQuery,
    find_images,
    find_studies,
    retrieve,
)
from vmcore.data.phantom import make_phantom, write_dicom
from vmcore.settings import WebArchive

pytestmark = needs_orthanc
LIMIT = 64 * 2**20
NUMBER, ACCESSION = "P-4711-0815", "A-2025-77"


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    orthanc = Orthanc(tmp_path_factory.mktemp("orthanc"))
    orthanc.start()
    yield orthanc
    orthanc.end()


@pytest.fixture(scope="module")
def archive(orthanc: Orthanc) -> WebArchive:
    return WebArchive.model_validate(
        {"name": "web", "url": orthanc.web, "user": USER, "secret": SECRET}
    )


@pytest.fixture(scope="module")
def scan(orthanc: Orthanc, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """A scan of a person who is known by name and number; it is in the archive."""
    path = write_dicom(tmp_path_factory.mktemp("scan") / "scan.dcm", make_phantom(9.0, 5))
    item = pydicom.dcmread(path)
    item.PatientName, item.PatientID = "Sonnenschein^Anna", NUMBER
    item.AccessionNumber, item.StudyDate = ACCESSION, "20250314"
    item.StudyDescription = "Obstetric ultrasound"
    orthanc.ask("/instances", encoded(item))
    return item


def encoded(item: Dataset) -> bytes:
    stream = BytesIO()
    item.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def instance_of(orthanc: Orthanc, uid: str) -> str:
    (known,) = orthanc.ask("/tools/lookup", uid.encode())
    return str(known["ID"])


def test_what_waits_for_the_archive_arrives_after_a_restart_and_leaves_nothing(
    orthanc: Orthanc, archive: WebArchive, tmp_path: Path
) -> None:
    item = pydicom.dcmread(get_testdata_file("examples_ybr_color.dcm"))
    item.SOPInstanceUID = item.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    Outbox(tmp_path / "outbox.db").add([item], "web")
    down = archive.model_copy(update={"url": f"http://127.0.0.1:{free_port()}/dicom-web"})
    for hour in range(3):
        assert Outbox(tmp_path / "outbox.db").deliver([down], "VENTRISCOPE", hour * 3600.0) == 0
    again = Outbox(tmp_path / "outbox.db")
    (parcel,) = again.parcels()
    assert (parcel.state, parcel.tries) == (State.WAITING, 3)
    assert parcel.cause == "The destination does not answer."
    assert again.deliver([archive], "VENTRISCOPE", 86_400.0) == 1
    assert again.deliver([archive], "VENTRISCOPE", 99_999.0) == 0
    assert again.parcels()[0].state is State.SENT
    assert str(item.PatientID).encode() not in (tmp_path / "outbox.db").read_bytes()
    there = orthanc.read(f"/instances/{instance_of(orthanc, item.SOPInstanceUID)}/file")
    assert pydicom.dcmread(BytesIO(there)).PixelData == item.PixelData


@pytest.mark.parametrize(
    "query",
    [
        StudyQuery(patient_id=NUMBER),
        StudyQuery(patient_id="P-47*"),
        StudyQuery(accession=ACCESSION),
        StudyQuery(patient_name="Sonnenschein, A"),
        StudyQuery(patient_name="Sonnenschein^Anna"),
        StudyQuery(date(2025, 3, 14), date(2025, 3, 14)),
        StudyQuery(date(2025, 3, 1), patient_name="sonn"),
    ],
    ids=lambda query: " ".join(str(part) for part in (query.first, query.accession, query.patient_id, query.patient_name) if part),
)  # fmt: skip
def test_a_study_is_found_by_what_is_typed(
    archive: WebArchive, scan: Dataset, query: StudyQuery
) -> None:
    (found,) = find_studies(archive, query)
    assert found.uid == scan.StudyInstanceUID
    assert (found.day, found.accession) == (date(2025, 3, 14), ACCESSION)
    assert (found.description, found.instances) == ("Obstetric ultrasound", 1)


@pytest.mark.parametrize(
    "query",
    [
        StudyQuery(patient_id="P-4711"),
        StudyQuery(accession=ACCESSION, patient_id="P-4712"),
        StudyQuery(date(2025, 3, 15)),
        StudyQuery(last=date(2025, 3, 13), patient_id=NUMBER),
    ],
    ids=["half a number", "another's number", "days after", "days before"],
)
def test_nothing_else_is_found(archive: WebArchive, scan: Dataset, query: StudyQuery) -> None:
    assert scan.StudyInstanceUID not in {found.uid for found in find_studies(archive, query)}


def test_other_modalities_are_not_offered(
    orthanc: Orthanc, archive: WebArchive, scan: Dataset
) -> None:
    other = pydicom.dcmread(BytesIO(encoded(scan)))
    other.SOPInstanceUID = other.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    other.SeriesInstanceUID = generate_uid()
    other.Modality = "SR"
    uploaded = orthanc.ask("/instances", encoded(other))
    images = find_images(archive, scan.StudyInstanceUID)
    assert [image.instance for image in images] == [scan.SOPInstanceUID]
    assert (images[0].rows, images[0].columns) == (scan.Rows, scan.Columns)
    orthanc.read(f"/instances/{uploaded['ID']}", method="DELETE")


@pytest.mark.parametrize("name", ["scan", "examples_ybr_color.dcm", "examples_jpeg2k.dcm"])
def test_an_image_comes_as_it_is_there_and_once(
    orthanc: Orthanc, archive: WebArchive, scan: Dataset, tmp_path: Path, name: str
) -> None:
    item = scan if name == "scan" else pydicom.dcmread(get_testdata_file(name))
    orthanc.ask("/instances", encoded(item))
    image = FoundImage(
        item.StudyInstanceUID, item.SeriesInstanceUID, item.SOPInstanceUID,
        None, None, None, None, None,
    )  # fmt: skip
    inbox = Inbox(tmp_path / "inbox")
    assert retrieve(archive, image, inbox, LIMIT) is Kept.NEW
    assert retrieve(archive, image, inbox, LIMIT) is Kept.SAME
    (path,) = inbox.folder.iterdir()
    there = orthanc.read(f"/instances/{instance_of(orthanc, item.SOPInstanceUID)}/file")
    assert path.read_bytes() == there
    assert pydicom.dcmread(path).file_meta.TransferSyntaxUID == item.file_meta.TransferSyntaxUID


def test_who_does_not_know_the_secret_is_told_so(
    archive: WebArchive, scan: Dataset, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    by_file = archive.model_copy(update={"secret": None, "secret_file": tmp_path / "secret"})
    assert find_studies(by_file, StudyQuery(patient_id=NUMBER))
    (tmp_path / "secret").write_text("another")
    with pytest.raises(ArchiveError, match="does not let this program in"):
        find_studies(by_file, StudyQuery(patient_id=NUMBER))
    (tmp_path / "secret").unlink()
    with pytest.raises(ArchiveError, match="cannot be read"):
        find_studies(by_file, StudyQuery(patient_id=NUMBER))


def test_a_wrong_address_is_told_so(archive: WebArchive) -> None:
    for url in (f"{archive.url}/no-such", archive.url.removesuffix("/dicom-web")):
        with pytest.raises(ArchiveError) as told:
            find_studies(archive.model_copy(update={"url": url}), StudyQuery(patient_id=NUMBER))
        assert NUMBER not in str(told.value)


def test_nothing_of_what_is_asked_and_answered_is_logged(
    archive: WebArchive, scan: Dataset, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("control").debug("heard")
    (study,) = find_studies(archive, StudyQuery(patient_id=NUMBER))
    (image,) = find_images(archive, study.uid)
    retrieve(archive, image, Inbox(tmp_path / "inbox"), LIMIT)
    outbox = Outbox(tmp_path / "outbox.db")
    outbox.add([scan], "web")
    outbox.deliver([archive], "VENTRISCOPE")
    assert "heard" in caplog.text
    for word in (NUMBER, "Sonnenschein", study.uid, image.instance, SECRET, "dicom-web"):
        assert word not in caplog.text


def test_a_node_works_for_an_archive_alone(archive: WebArchive, tmp_path: Path) -> None:
    left = tmp_path / "inbox" / ".half-left"
    left.parent.mkdir()
    left.write_bytes(b"by a page that was killed while it fetched")
    told = [{"name": "web", "url": archive.url}]
    log = (tmp_path / "log").open("wb")
    node = subprocess.Popen(
        [sys.executable, "-m", "vmcore.clinic.network.node"],
        env=os.environ | {
            "VMCORE_STORE": str(tmp_path), "VMCORE_ARCHIVES": json.dumps(told),
            "VMCORE_NODE_JUDGES": "false",
        },
        stderr=log,
    )  # fmt: skip
    log.close()
    try:
        until(lambda: node.poll() is not None or node_runs(tmp_path))
        assert node.poll() is None
        until(lambda: not left.exists())
        until(lambda: "does not judge" in (tmp_path / "log").read_text())
        assert "node judges" not in (tmp_path / "log").read_text()
    finally:
        node.send_signal(signal.SIGTERM)
        assert node.wait(30) == 0
