"""Archives that answer badly: one sentence each, nothing lost, nothing half kept, and nobody else asked."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, generate_uid

from tests.clinic.answering import Answering, answering
from tests.clinic.orthanc import until
from vmcore.clinic.network import Inbox, Kept, Outbox, State, TooLargeError
from vmcore.clinic.network.delivering import Deliveries
from vmcore.clinic.network.dicomweb import (
    ArchiveError,
    FoundImage,
    StudyQuery,
    find_studies,
    retrieve,
    store,
)
from vmcore.clinic.network.dicomweb.asking import asking
from vmcore.clinic.network.dicomweb.parts import boundary_of, first_part
from vmcore.clinic.network.sending import send
from vmcore.data.phantom import make_phantom, write_dicom
from vmcore.settings import Settings, WebArchive

NUMBER = "P-4711-0815"
QUERY = StudyQuery(patient_id=NUMBER)
LIMIT = 2**20
MULTIPART = {"Content-Type": 'multipart/related; type="application/dicom"; boundary="mark"'}
HTML = (b"<html><body>P-4711-0815 is not here</body></html>",)
JSON = {"Content-Type": "application/dicom+json; charset=utf-8"}


@pytest.fixture
def web() -> Iterator[Answering]:
    with answering() as told:
        yield told


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    phantom = make_phantom(9.0, 5, shape=(240, 320))
    return write_dicom(tmp_path_factory.mktemp("scan") / "scan.dcm", phantom).read_bytes()


@pytest.fixture
def image(scan: bytes) -> FoundImage:
    item = pydicom.dcmread(BytesIO(scan))
    uids = item.StudyInstanceUID, item.SeriesInstanceUID, item.SOPInstanceUID
    return FoundImage(*uids, None, None, None, None, None)


def message(content: bytes) -> bytes:
    return b"--mark\r\nContent-Type: application/dicom\r\n\r\n" + content + b"\r\n--mark--\r\n"


def test_a_message_of_one_part_is_an_image(
    web: Answering, image: FoundImage, scan: bytes, tmp_path: Path
) -> None:
    web.headers, web.body = MULTIPART, (message(scan),)
    inbox = Inbox(tmp_path)
    assert retrieve(web.archive, image, inbox, LIMIT) is Kept.NEW
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [scan]


@pytest.mark.parametrize(
    "length", [None, "whole"], ids=["to the connection's end", "by its length"]
)
def test_what_breaks_off_half_way_is_not_kept(
    web: Answering, image: FoundImage, scan: bytes, tmp_path: Path, length: str | None
) -> None:
    whole = message(scan)
    web.headers = MULTIPART | ({"Content-Length": str(len(whole))} if length else {})
    web.body = (whole[: len(whole) // 2],)
    with pytest.raises(ArchiveError, match="ended before the archive's answer was whole"):
        retrieve(web.archive, image, Inbox(tmp_path), LIMIT)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("length", [None, str(2**40)], ids=["endless", "announced"])
def test_what_is_larger_than_the_limit_is_not_taken(
    web: Answering, image: FoundImage, tmp_path: Path, length: str | None
) -> None:
    web.headers = MULTIPART | ({"Content-Length": length} if length else {})
    web.body = (message(b"")[:-12], *(bytes(2**20) for _ in range(300)))
    with pytest.raises((ArchiveError, TooLargeError), match="larger than the limit"):
        retrieve(web.archive, image, Inbox(tmp_path), LIMIT)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Type": "text/html"}, HTML),
        ({"Content-Type": "multipart/related"}, (b"--mark--",)),
        (MULTIPART, HTML),
        (MULTIPART, (message(b"no DICOM"),)),
        (MULTIPART, (b"\r\n--mark\r\n" + b"X: y\r\n" * 9000,)),
    ],
    ids=["a page", "no boundary", "no part", "a part that is no image", "headers without end"],
)
def test_what_is_no_image_is_not_kept(
    web: Answering,
    image: FoundImage,
    tmp_path: Path,
    headers: dict[str, str],
    body: tuple[bytes, ...],
) -> None:
    web.headers, web.body = headers, body
    with pytest.raises(ArchiveError) as told:
        retrieve(web.archive, image, Inbox(tmp_path), LIMIT)
    assert NUMBER not in str(told.value)
    assert not list(tmp_path.iterdir())


def test_another_image_than_the_asked_one_is_not_kept(
    web: Answering, image: FoundImage, scan: bytes, tmp_path: Path
) -> None:
    other = pydicom.dcmread(BytesIO(scan))
    other.SOPInstanceUID = generate_uid()
    stream = BytesIO()
    other.save_as(stream)
    web.headers, web.body = MULTIPART, (message(stream.getvalue()),)
    with pytest.raises(ArchiveError, match="another image"):
        retrieve(web.archive, image, Inbox(tmp_path), LIMIT)
    assert not list(tmp_path.iterdir())


def test_a_deflated_image_is_not_unpacked(
    web: Answering, image: FoundImage, scan: bytes, tmp_path: Path
) -> None:
    item = pydicom.dcmread(BytesIO(scan))
    item.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    stream = BytesIO()
    item.save_as(stream)
    web.headers, web.body = MULTIPART, (message(stream.getvalue()),)
    with pytest.raises(ArchiveError, match="deflated, which is not taken"):
        retrieve(web.archive, image, Inbox(tmp_path), LIMIT)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_nobody_is_followed_to_another_address(
    web: Answering, image: FoundImage, scan: bytes, tmp_path: Path, status: int
) -> None:
    with answering() as elsewhere:
        web.status, web.headers = status, {"Location": f"{elsewhere.url}/studies"}
        with pytest.raises(ArchiveError, match="not followed"):
            find_studies(web.archive, QUERY)
        with pytest.raises(ArchiveError, match="not followed"):
            retrieve(web.archive, image, Inbox(tmp_path), LIMIT)
        state, cause = store(scan, web.archive)
        assert (state, "not followed" in cause) == (State.WAITING, True)
        assert len(web.asked) == 3
        assert not elsewhere.asked


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Type": "text/html"}, HTML),
        (JSON, (b'{"error": "P-4711-0815"}',)),
        (JSON, (b'["P-4711-0815"]',)),
        (JSON, (b"[" * 100_000,)),
    ],
    ids=["a page", "an error", "words", "brackets"],
)
def test_an_answer_that_is_no_list_of_studies_gives_a_sentence(
    web: Answering, headers: dict[str, str], body: tuple[bytes, ...]
) -> None:
    web.headers, web.body = headers, body
    with pytest.raises(ArchiveError, match="not as an archive that can be searched"):
        find_studies(web.archive, QUERY)


def test_only_who_says_that_nothing_fits_has_found_nothing(web: Answering) -> None:
    web.headers = JSON
    with pytest.raises(ArchiveError, match="ended before the archive's answer was whole"):
        find_studies(web.archive, QUERY)
    web.status = 204
    assert find_studies(web.archive, QUERY) == []
    web.status, web.body = 200, (b"[]",)
    assert find_studies(web.archive, QUERY) == []


@contextmanager
def raw(pieces: Iterable[bytes], pause_s: float = 0.0) -> Iterator[WebArchive]:
    """An archive that answers with these bytes, one after the other, and then ends the connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with contextlib.suppress(OSError):
                connection, _ = server.accept()
                with connection:
                    connection.recv(65_536)
                    for piece in pieces:
                        connection.sendall(piece)
                        time.sleep(pause_s)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield WebArchive(name="web", url=f"http://127.0.0.1:{server.getsockname()[1]}/dicom-web")


def test_a_connection_that_ends_within_the_headers_has_found_nothing_out() -> None:
    with (
        raw([b"HTTP/1.1 200 OK\r\nContent-Ty"]) as archive,
        pytest.raises(ArchiveError, match="ended before the archive's answer was whole"),
    ):
        find_studies(archive, QUERY)


@pytest.mark.parametrize(
    "begins",
    [b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\n\r\n["],
    ids=["headers", "body"],
)
def test_who_drips_bytes_is_waited_for_no_longer_than_others(begins: bytes) -> None:
    began = time.monotonic()
    with (
        raw([begins, *[b" "] * 1000], pause_s=0.05) as archive,
        pytest.raises(ArchiveError, match="takes too long"),
        asking(archive, LIMIT, longest_s=0.4) as session,
    ):
        assert session.get(f"{archive.url}/studies", timeout=3).content
    assert time.monotonic() - began < 20  # of 50 that the drops would take


def test_a_list_that_is_cut_says_so(web: Answering) -> None:
    def studies(count: int) -> tuple[bytes]:
        told = [{"0020000D": {"vr": "UI", "Value": [f"1.2.{n}"]}} for n in range(count)]
        return (json.dumps(told).encode(),)

    web.headers, web.body = JSON, studies(100)
    found = find_studies(web.archive, QUERY)
    assert (len(found), found.more) == (100, False)
    web.body = studies(101)
    found = find_studies(web.archive, QUERY)
    assert (len(found), found.more) == (100, True)
    assert "limit=101" in web.asked[0]
    web.headers = JSON | {"Warning": "299 web: There are additional results that can be requested"}
    web.body = studies(5)
    assert find_studies(web.archive, QUERY).more


def test_a_study_tells_whose_it_is_and_its_own_text_does_not(web: Answering) -> None:
    told = {
        "0020000D": {"vr": "UI", "Value": ["1.2.3"]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Sonnenschein^Anna"}]},
        "00100020": {"vr": "LO", "Value": [NUMBER]},
        "00100030": {"vr": "DA", "Value": ["19910203"]},
    }
    web.headers, web.body = JSON, (json.dumps([told]).encode(),)
    (study,) = find_studies(web.archive, QUERY)
    whose = study.patient_name, study.patient_id, study.born
    assert whose == ("Sonnenschein Anna", NUMBER, date(1991, 2, 3))
    for word in ("Sonnenschein", NUMBER, "1991"):
        assert word not in repr(study)


@pytest.mark.parametrize(
    ("secret", "sentence"),
    [("Gel\xe4nde".encode("latin-1"), "no text in UTF-8"), ("5€".encode(), "no bearer token")],
)
def test_a_secret_that_cannot_be_sent_waits_to_be_mended(
    web: Answering, scan: bytes, tmp_path: Path, secret: bytes, sentence: str
) -> None:
    (tmp_path / "secret").write_bytes(secret)
    archive = web.archive.model_copy(update={"secret_file": tmp_path / "secret"})
    with pytest.raises(ArchiveError, match=sentence):
        find_studies(archive, QUERY)
    state, cause = send(scan, archive, "VENTRISCOPE")
    assert (state, sentence in cause) == (State.WAITING, True)
    assert not web.asked


def test_a_study_whose_number_would_lead_elsewhere_is_left_out(web: Answering) -> None:
    uids = ["../../other", "1.2.3/../4", "1.2.3"]
    web.headers = JSON
    web.body = (json.dumps([{"0020000D": {"vr": "UI", "Value": [uid]}} for uid in uids]).encode(),)
    assert [study.uid for study in find_studies(web.archive, QUERY)] == ["1.2.3"]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        (StudyQuery(), "Say a day"),
        (StudyQuery(patient_id="**"), "Say more"),
        (StudyQuery(patient_name=" ^ "), "Say more"),
        (StudyQuery(accession="1\\2"), "no backslash"),
        (StudyQuery(accession="1" * 65), "at most 64"),
        (StudyQuery(date(2025, 3, 2), date(2025, 3, 1)), "after the last"),
    ],
)
def test_who_asks_for_everything_or_nothing_is_not_asked_about(
    web: Answering, query: StudyQuery, sentence: str
) -> None:
    with pytest.raises(ArchiveError, match=sentence):
        find_studies(web.archive, query)
    assert not web.asked


def said(scan: bytes, key: str, **more: int) -> tuple[bytes, ...]:
    """A Store Instances Response about the scan (PS3.18, annex I.2)."""
    item = pydicom.dcmread(BytesIO(scan), stop_before_pixels=True)
    told = pydicom.Dataset()
    one = pydicom.Dataset()
    one.ReferencedSOPClassUID, one.ReferencedSOPInstanceUID = item.SOPClassUID, item.SOPInstanceUID
    for keyword, value in more.items():
        setattr(one, keyword, value)
    setattr(told, key, [one])
    return (told.to_json().encode(),)


@pytest.mark.parametrize(
    ("status", "key", "reason", "expected", "sentence"),
    [
        (200, "ReferencedSOPSequence", None, State.SENT, ""),
        (202, "ReferencedSOPSequence", 0xB000, State.SENT, ""),
        (409, "FailedSOPSequence", 0xA700, State.WAITING, "no room"),
        (409, "FailedSOPSequence", 0x0122, State.FAILED, "no objects of this kind"),
        (409, "FailedSOPSequence", 0xC000, State.FAILED, "status C000"),
        (202, "FailedSOPSequence", 0x0110, State.FAILED, "status 0110"),
        (200, "FailedSOPSequence", 0xA900, State.FAILED, "status A900"),
    ],
)
def test_the_archives_word_on_the_object_counts(
    web: Answering,
    scan: bytes,
    status: int,
    key: str,
    reason: int | None,
    expected: State,
    sentence: str,
) -> None:
    named = "FailureReason" if key.startswith("Failed") else "WarningReason"
    more = {} if reason is None else {named: reason}
    web.status, web.headers, web.body = status, JSON, said(scan, key, **more)
    state, cause = store(scan, web.archive)
    assert state is expected
    assert sentence in cause


@pytest.mark.parametrize(("again", "expected"), [(True, State.SENT), (False, State.FAILED)])
def test_a_duplicate_has_arrived_where_it_was_tried_before(
    web: Answering, scan: bytes, again: bool, expected: State
) -> None:
    web.status, web.headers = 409, JSON
    web.body = said(scan, "FailedSOPSequence", FailureReason=0x0111)
    assert send(scan, web.archive, "VENTRISCOPE", again=again)[0] is expected


def test_an_answer_about_another_object_is_no_receipt(web: Answering, scan: bytes) -> None:
    other = json.loads(said(scan, "ReferencedSOPSequence")[0])
    other["00081199"]["Value"][0]["00081155"]["Value"] = ["1.2.3"]
    web.headers, web.body = JSON, (json.dumps(other).encode(),)
    assert store(scan, web.archive)[0] is State.FAILED


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, State.WAITING),
        (401, State.WAITING),
        (404, State.WAITING),
        (413, State.FAILED),
        (415, State.FAILED),
        (503, State.WAITING),
    ],
)
def test_an_answer_without_a_word_on_the_object_is_no_receipt(
    web: Answering, scan: bytes, status: int, expected: State
) -> None:
    web.status, web.headers, web.body = status, {"Content-Type": "text/html"}, HTML
    state, cause = store(scan, web.archive)
    assert state is expected
    assert cause.endswith(".")
    assert NUMBER not in cause
    assert len(web.asked) == 1, "whoever tries again is the outbox"


def test_only_a_certificate_that_is_believed_is_accepted(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", key, "-out", certificate,
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    both = tmp_path / "both.pem"
    both.write_bytes(key.read_bytes() + certificate.read_bytes())
    with answering(both) as web:
        web.headers, web.body = JSON, (b"[]",)
        with pytest.raises(ArchiveError, match="certificate"):
            find_studies(web.archive, QUERY)
        assert not web.asked
        believed = web.archive.model_copy(update={"ca_file": certificate})
        assert find_studies(believed, QUERY) == []
        missing = web.archive.model_copy(update={"ca_file": tmp_path / "none.pem"})
        with pytest.raises(ArchiveError, match="cannot be read"):
            find_studies(missing, QUERY)


@pytest.mark.parametrize(
    "url",
    ["http://archive.example/dicom-web", "https://user:pass@archive.example", "ftp://archive.example",
     "https://archive.example/?x=1", "archive.example"],
)  # fmt: skip
def test_an_address_that_would_tell_names_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"base URL|https"):
        WebArchive(name="web", url=url)


def test_an_error_in_the_settings_does_not_show_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    told = [{"name": "web", "url": "http://archive.example", "secret": "Geheimnis-471"}]
    monkeypatch.setenv("VMCORE_ARCHIVES", json.dumps(told))
    with pytest.raises(ValueError, match="https") as error:
        Settings()
    assert "Geheimnis" not in str(error.value)


def test_names_of_destinations_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    one = {"name": "web", "url": "https://archive.example"}
    monkeypatch.setenv("VMCORE_ARCHIVES", json.dumps([one, one]))
    with pytest.raises(ValueError, match="the same name"):
        Settings()


def test_a_part_is_the_same_in_pieces_of_any_size() -> None:
    chance = random.Random(7)
    for _ in range(200):
        content = bytes(chance.choices(b"\r\n-mark", k=chance.randrange(60)))
        if b"\r\n--mark" in content:
            continue
        whole = b"preamble\r\n" * chance.randrange(2) + message(content)
        cuts = sorted(chance.choices(range(len(whole)), k=chance.randrange(9)))
        pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
        assert b"".join(first_part(pieces, b"mark")) == content


def test_boundaries_are_read_as_they_may_be_written() -> None:
    for told in ("multipart/related; boundary=a-b", 'Multipart/Related; type="x"; boundary="a-b"'):
        assert boundary_of(told) == b"a-b"


def test_who_is_slow_holds_no_other_destination_up(
    web: Answering, scan: bytes, tmp_path: Path
) -> None:
    web.headers, web.body = JSON, said(scan, "ReferencedSOPSequence")
    item = pydicom.dcmread(BytesIO(scan))
    outbox = Outbox(tmp_path / "outbox.db")
    outbox.add([item], "slow")
    outbox.add([item], "web")
    with raw([b"HTTP/1.1 200 OK\r\nX-Slow: ", *[b" "] * 1000], pause_s=0.05) as dripping:
        slow = dripping.model_copy(update={"name": "slow"})
        deliveries = Deliveries(outbox, (slow, web.archive), "VENTRISCOPE")
        began = time.monotonic()
        for _ in range(2):
            deliveries.begin()
        assert time.monotonic() - began < 10  # of 50 that the drops take
        until(lambda: outbox.parcels()[0].state is State.SENT)
        assert [(one.destination, one.state) for one in outbox.parcels()] == [
            ("web", State.SENT),
            ("slow", State.WAITING),
        ]
