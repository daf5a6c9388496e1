"""The outbox: down and up again, refused, cancelled, across a restart."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pydicom
import pytest
from filelock import FileLock
from pydicom.data import get_testdata_file
from pynetdicom import AE, evt

from vmcore.clinic.network.outbox import Outbox, State
from vmcore.clinic.network.sending import CROWDED, SILENT
from vmcore.settings import DicomDestination


@pytest.fixture
def archive() -> DicomDestination:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return DicomDestination(
            name="archive", ae_title="ARCHIVE", host="127.0.0.1", port=free.getsockname()[1]
        )


@contextmanager
def listening(archive: DicomDestination, answer: int = 0, most: int = 10) -> Iterator[list[str]]:
    received: list[str] = []

    def store(event: evt.Event) -> int:
        received.append(str(event.request.AffectedSOPInstanceUID))
        if answer < 0:
            event.assoc.abort()
        return max(answer, 0)

    entity = AE(ae_title=archive.ae_title)
    entity.require_called_aet = True
    entity.maximum_associations = most
    image = pydicom.dcmread(get_testdata_file("examples_ybr_color.dcm"), stop_before_pixels=True)
    entity.add_supported_context(image.SOPClassUID, image.file_meta.TransferSyntaxUID)
    server = entity.start_server(
        (archive.host, archive.port), block=False, evt_handlers=[(evt.EVT_C_STORE, store)]
    )
    assert server is not None
    yield received
    server.shutdown()


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    outbox = Outbox(tmp_path / "outbox.db")
    outbox.add([pydicom.dcmread(get_testdata_file("examples_ybr_color.dcm"))], "archive")
    return outbox


# pynetdicom leaves the socket of a refused connection to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_what_was_down_for_a_day_gets_it_after_a_restart(
    outbox: Outbox, archive: DicomDestination, tmp_path: Path
) -> None:
    for hour in range(24):
        assert outbox.deliver([archive], "VENTRISCOPE", now=hour * 3600.0) == 0
    (parcel,) = outbox.parcels()
    assert (parcel.state, parcel.tries) == (State.WAITING, 24)
    assert "does not answer" in parcel.cause
    again = Outbox(tmp_path / "outbox.db")
    with listening(archive) as received:
        assert again.deliver([archive], "VENTRISCOPE", now=86_400.0) == 1
        assert again.deliver([archive], "VENTRISCOPE", now=99_999.0) == 0
    assert len(received) == 1
    assert again.parcels()[0].state is State.SENT


# pynetdicom leaves the socket of a refused connection to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_tries_wait_longer_each_time(outbox: Outbox, archive: DicomDestination) -> None:
    for now in (0.0, 9.0, 10.0, 29.0, 30.0):
        outbox.deliver([archive], "VENTRISCOPE", now=now)
    assert outbox.parcels()[0].tries == 3


def test_a_dropped_association_is_tried_again(outbox: Outbox, archive: DicomDestination) -> None:
    with listening(archive, answer=-1):
        assert outbox.deliver([archive], "VENTRISCOPE", now=0.0) == 0
    assert outbox.parcels()[0].state is State.WAITING
    with listening(archive) as received:
        assert outbox.deliver([archive], "VENTRISCOPE", now=3600.0) == 1
    assert len(received) == 1


def test_a_wrong_title_is_said_so(outbox: Outbox, archive: DicomDestination) -> None:
    with listening(archive):
        wrong = archive.model_copy(update={"ae_title": "ANOTHER"})
        for hour in range(
            5
        ):  # pynetdicom's server closes now and then before its refusal is through
            outbox.deliver([wrong], "VENTRISCOPE", now=hour * 3600.0)
            if outbox.parcels()[0].cause != SILENT:
                break
    assert "AE title" in outbox.parcels()[0].cause


def test_an_archive_that_has_it_since_the_link_broke_has_it(
    outbox: Outbox, archive: DicomDestination
) -> None:
    with listening(archive, answer=-1):  # it may have stored it before
        outbox.deliver([archive], "VENTRISCOPE", now=0.0)
    with listening(archive, answer=0x0111):
        assert outbox.deliver([archive], "VENTRISCOPE", now=3600.0) == 1
    (parcel,) = outbox.parcels()
    assert (parcel.state, parcel.cause) == (State.SENT, "")


def test_another_object_of_its_number_is_a_refusal_at_first(
    outbox: Outbox, archive: DicomDestination
) -> None:
    with listening(archive, answer=0x0111):
        assert outbox.deliver([archive], "VENTRISCOPE", now=0.0) == 0
        (parcel,) = outbox.parcels()
        assert (parcel.state, "status 0111" in parcel.cause) == (State.FAILED, True)
        outbox.retry(parcel.number)
        assert outbox.deliver([archive], "VENTRISCOPE", now=1.0) == 1


def test_who_is_crowded_is_not_said_to_know_nobody(
    outbox: Outbox, archive: DicomDestination
) -> None:
    caller = AE()
    image = pydicom.dcmread(get_testdata_file("examples_ybr_color.dcm"), stop_before_pixels=True)
    caller.add_requested_context(image.SOPClassUID, image.file_meta.TransferSyntaxUID)
    with listening(archive, most=1):
        other = caller.associate(archive.host, archive.port, ae_title=archive.ae_title)
        for hour in range(5):  # as above
            outbox.deliver([archive], "VENTRISCOPE", now=hour * 3600.0)
            if outbox.parcels()[0].cause != SILENT:
                break
        other.release()
    (parcel,) = outbox.parcels()
    assert (parcel.state, parcel.cause) == (State.WAITING, CROWDED)


def test_a_refusal_is_final_until_somebody_retries(
    outbox: Outbox, archive: DicomDestination
) -> None:
    with listening(archive, answer=0xC000):
        outbox.deliver([archive], "VENTRISCOPE", now=0.0)
    (parcel,) = outbox.parcels()
    assert (parcel.state, parcel.cause) == (
        State.FAILED, "The destination refused the object (status C000).",
    )  # fmt: skip
    outbox.retry(parcel.number)
    with listening(archive):
        assert outbox.deliver([archive], "VENTRISCOPE", now=1.0) == 1


def test_what_is_cancelled_is_not_sent(outbox: Outbox, archive: DicomDestination) -> None:
    outbox.cancel(outbox.parcels()[0].number)
    with listening(archive) as received:
        assert outbox.deliver([archive], "VENTRISCOPE") == 0
    assert not received


def test_what_was_sent_leaves_nothing_of_itself_behind(
    outbox: Outbox, archive: DicomDestination, tmp_path: Path
) -> None:
    name = str(pydicom.dcmread(get_testdata_file("examples_ybr_color.dcm")).PatientID).encode()
    assert name in (tmp_path / "outbox.db").read_bytes()
    with listening(archive):
        outbox.deliver([archive], "VENTRISCOPE")
    assert outbox.parcels()[0].state is State.SENT
    assert name not in (tmp_path / "outbox.db").read_bytes()


def test_a_destination_that_takes_no_such_objects_has_failed_at_once(
    outbox: Outbox, archive: DicomDestination
) -> None:
    entity = AE(ae_title=archive.ae_title)
    entity.add_supported_context("1.2.840.10008.1.1")
    server = entity.start_server((archive.host, archive.port), block=False)
    outbox.deliver([archive], "VENTRISCOPE", now=0.0)
    server.shutdown()
    (parcel,) = outbox.parcels()
    assert parcel.state is State.FAILED
    assert "no objects of this kind" in parcel.cause


def test_who_sends_again_begins_with_short_waits(outbox: Outbox, archive: DicomDestination) -> None:
    with listening(archive, answer=0xA700):
        for hour in range(5):
            outbox.deliver([archive], "VENTRISCOPE", now=hour * 3600.0)
        outbox.retry(outbox.parcels()[0].number)
        outbox.deliver([archive], "VENTRISCOPE", now=20_000.0)
        outbox.deliver([archive], "VENTRISCOPE", now=20_011.0)
    assert outbox.parcels()[0].tries == 2


def test_one_process_at_a_time_delivers(
    outbox: Outbox, archive: DicomDestination, tmp_path: Path
) -> None:
    with listening(archive) as received:
        with FileLock(outbox.lock_of(archive.name)):
            assert outbox.deliver([archive], "VENTRISCOPE") == 0
        assert not received
        assert outbox.deliver([archive], "VENTRISCOPE") == 1


def test_objects_of_one_origin_are_in_line_once(outbox: Outbox) -> None:
    item = pydicom.dcmread(get_testdata_file("examples_ybr_color.dcm"))
    assert len(outbox.add([item], "archive", origin="a.dcm")) == 1
    assert outbox.add([item], "archive", origin="a.dcm") == []
    assert len(outbox.add([item], "second", origin="a.dcm")) == 1
    assert len(outbox.parcels()) == 3


def test_what_did_not_arrive_in_its_days_is_given_up_and_said_so(
    outbox: Outbox,
    archive: DicomDestination,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    item = pydicom.dcmread(get_testdata_file("examples_ybr_color.dcm"))
    with listening(archive):
        outbox.deliver([archive], "VENTRISCOPE")
    outbox.add([item], "archive", origin="a.dcm")
    later = time.time() + 3 * 86_400
    assert [outbox.purge(2, later), outbox.purge(2, later)] == [2, 0]
    (parcel,) = outbox.parcels()
    assert (parcel.state, "VMCORE_NODE_DAYS" in parcel.cause) == (State.GIVEN_UP, True)
    assert [record.getMessage() for record in caplog.records] == [
        "Objects given up, not arrived after 2 days: 1."
    ]
    assert str(item.PatientID).encode() not in (tmp_path / "outbox.db").read_bytes()
    outbox.retry(parcel.number)
    assert not outbox.due(later)
    assert len(outbox.add([item], "archive", origin="a.dcm")) == 1
    outbox.purge(2, later + 2 * 86_400)
    assert parcel.number not in [one.number for one in outbox.parcels()]
