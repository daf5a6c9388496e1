"""What came in is judged as the classify page would, whatever came with it, and once."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pydicom
import pytest

from tests.canaries import search
from tests.conftest import Configure
from vmcore.anatomy import AnatomyModel
from vmcore.clinic import AuditTrail
from vmcore.clinic.network.answers import Answer, Answers, Judged
from vmcore.clinic.network.inbox import Inbox, file_name
from vmcore.clinic.network.judging import Judge
from vmcore.clinic.network.outbox import Outbox
from vmcore.clinic.network.worklist import Received, most_to_learn, worklist
from vmcore.data.phantom import make_phantom, write_dicom
from vmcore.data.phantom.writing import MADE_UP_NUMBER
from vmcore.imaging import BusyError, read_scan, sandbox
from vmcore.imaging.sandbox import SandboxedReader
from vmcore.inference import Classifier, analyse
from vmcore.reporting import verdict
from vmcore.settings import settings

NAME = "Sonnenschein"
SCAN_UID = "1.2.777.888"
MakeJudge = Callable[..., Judge]


@pytest.fixture(scope="module")
def models() -> tuple[Classifier, AnatomyModel]:
    return Classifier.load(settings().bundle), AnatomyModel.load()


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Three frames of different widths."""
    phantoms = (make_phantom(width, 3, shape=(240, 320)) for width in (6.0, 15.0, 8.0))
    path = write_dicom(tmp_path_factory.mktemp("loop") / "loop.dcm", *phantoms)
    item = pydicom.dcmread(path)
    item.PatientName = f"{NAME}^Anna"
    item.save_as(path)
    return path.read_bytes()


@pytest.fixture
def judge(
    tmp_path: Path, configured: Configure, models: tuple[Classifier, AnatomyModel]
) -> MakeJudge:
    """The judge of a store, as after a start of its process."""

    def make(**more: str) -> Judge:
        configured(store=str(tmp_path), **more)
        return Judge(settings(), Inbox(), Answers(), Outbox(), *models)

    return make


@pytest.fixture(scope="module")
def mixed(
    tmp_path_factory: pytest.TempPathFactory, models: tuple[Classifier, AnatomyModel], loop: bytes
) -> Iterator[Judge]:
    """A store into which a scan came between files that are none, all of them judged; not to be changed."""
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VMCORE_STORE", str(folder))
        patch.setenv("VMCORE_NODE_SEND_TO", '["archive", "second"]')
        settings.cache_clear()
        judged = Judge(settings(), Inbox(), Answers(), Outbox(), *models)
        judged.inbox.keep("1.1", b"\0" * 128 + b"DICM" + b"\xff" * 300)
        judged.inbox.keep(SCAN_UID, loop)
        judged.inbox.keep("1.3", loop[: len(loop) // 2])
        assert judged.round() == 3
        yield judged
    settings.cache_clear()


def test_the_middle_frame_is_answered_as_on_the_page(
    mixed: Judge, models: tuple[Classifier, AnatomyModel], loop: bytes
) -> None:
    rows = worklist(mixed.inbox, mixed.answers)
    (answer,) = [row.answer for row in rows if row.name == file_name(SCAN_UID)]
    expected = analyse(read_scan(loop), models[0], frame=1, anatomy_model=models[1])
    said = verdict(expected)
    assert answer is not None
    assert (answer.state, answer.frames, answer.frame) == (Judged.ANSWERED, 3, 1)
    assert (answer.headline, answer.tone) == (said.headline, said.tone)
    assert answer.probability == pytest.approx(expected.prediction.probability, abs=1e-6)
    assert answer.width_mm == pytest.approx(expected.anatomy.atrium.width_mm, abs=1e-6)
    assert (answer.bundle, answer.anatomy) == (models[0].digest, models[1].digest)
    assert answer.device == "VentriScope Phantom"


def test_a_file_that_is_no_scan_does_not_stop_the_others(mixed: Judge) -> None:
    rows = sorted(mixed.answers.all().values(), key=lambda answer: answer.state)
    assert [answer.state for answer in rows] == [Judged.ANSWERED, Judged.REFUSED, Judged.REFUSED]
    assert all(answer.error.endswith(".") for answer in rows[1:])


def test_answers_and_trail_name_nobody(mixed: Judge, loop: bytes) -> None:
    store = mixed.inbox.folder.parent
    entries = AuditTrail(store / "audit.db").entries()
    assert {entry.event.person for entry in entries} == {"node"}
    assert sorted(entry.event.action for entry in entries) == ["answered", "exported", "exported"]
    header = pydicom.dcmread(BytesIO(loop))
    uids = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
    marks = {"name": NAME, "number": MADE_UP_NUMBER} | {uid: str(header[uid].value) for uid in uids}
    assert not search([store / "answers.db", store / "audit.db"], marks)
    there = set().union(*search([mixed.inbox.folder], marks).values())
    assert there == set(marks), "they would be found where they are"


def test_after_a_restart_nothing_is_judged_again_and_the_rest_is(
    judge: MakeJudge, loop: bytes
) -> None:
    first = judge(node_send_to='["archive"]')
    first.inbox.keep("1.2", b"no scan")
    first.round()
    first.inbox.keep("1.3", loop)
    first.answers.begin(file_name("1.3"))
    first.outbox.add([pydicom.dcmread(BytesIO(loop))], "archive", file_name("1.3"))
    again = judge()  # the process was killed before the answer was kept
    assert again.round() == 1
    states = {name: answer.state for name, answer in again.answers.all().items()}
    assert states == {file_name("1.2"): Judged.REFUSED, file_name("1.3"): Judged.ANSWERED}
    assert len(again.outbox.parcels()) == 1
    assert judge().round() == 0


def test_an_instance_that_ends_the_process_each_time_is_given_up(
    judge: MakeJudge, loop: bytes
) -> None:
    judged = judge()
    judged.inbox.keep("1.2", loop)
    (path,) = judged.inbox.instances()
    assert [judged.answers.begin(path.name) for _ in range(3)] == [True] * 3
    judged.round()
    answer = judged.answers.all()[path.name]
    assert (answer.state, answer.probability) == (Judged.FAILED, None)
    assert "the program ended" in answer.error


def test_what_the_machine_could_not_read_once_is_read_later(
    judge: MakeJudge, loop: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    judging = judge()
    judging.inbox.keep(SCAN_UID, loop)
    reader = SandboxedReader()
    with monkeypatch.context() as patch:
        patch.setattr(sandbox, "shared_reader", lambda: reader)
        patch.setattr(sandbox, "_start", no_process)
        for _ in range(4):
            with pytest.raises(BusyError):
                judging.round()
    assert judging.round() == 1
    (answer,) = judging.answers.all().values()
    assert answer.state == Judged.ANSWERED


def no_process(memory: int) -> None:
    raise BlockingIOError(memory)


def test_with_an_instance_its_answer_goes(judge: MakeJudge) -> None:
    judged = judge()
    judged.inbox.keep("1.2", b"no scan")
    judged.inbox.keep("1.3", b"no scan either")
    judged.round()
    old = judged.inbox.instances()[0]
    three_days_ago = time.time() - 3 * 86_400
    os.utime(old, (three_days_ago, three_days_ago))
    judged.inbox.purge(days=2)
    judged.round()
    assert len(judged.answers.all()) == 1
    assert old.name not in judged.answers.all()


def test_what_is_kept_is_read_back_the_same(tmp_path: Path) -> None:
    answers = Answers(tmp_path / "answers.db")
    full = Answer(
        "a.dcm", Judged.ANSWERED, 1, "", "Maker Model", 3, 1, "Wide", "ventriculomegaly",
        "ventriculomegaly", 0.9, (0.8, 1.0), 0.5, 15.2, False, "b" * 64, "c" * 64, "d" * 64, "Sent.",
    )  # fmt: skip
    answers.keep(full)
    answers.keep(replace(full, name="b.dcm", in_domain=None, folds=()))
    assert answers.all()["a.dcm"] == full
    assert answers.all()["b.dcm"].in_domain is None


def test_the_report_goes_into_the_outbox_for_each_destination(mixed: Judge, loop: bytes) -> None:
    sent = mixed.outbox.parcels()
    assert {parcel.destination for parcel in sent} == {"archive", "second"}
    contents = _contents(mixed.inbox.folder.parent / "outbox.db")
    objects = [pydicom.dcmread(BytesIO(content)) for content in contents]
    study = pydicom.dcmread(BytesIO(loop)).StudyInstanceUID
    assert {one.StudyInstanceUID for one in objects} == {study}
    assert {one.Modality for one in objects} == {"OT", "SR", "PR"}
    assert mixed.answers.all()[file_name(SCAN_UID)].sent == "3 objects for archive, second."


def test_a_report_that_an_archive_sends_back_is_not_reported_on(
    judge: MakeJudge, mixed: Judge
) -> None:
    contents = _contents(mixed.inbox.folder.parent / "outbox.db")
    (capture,) = [one for one in contents[:3] if pydicom.dcmread(BytesIO(one)).Modality == "OT"]
    judging = judge(node_send_to='["archive"]')
    judging.inbox.keep("1.9", capture)
    assert judging.round() == 1
    (answer,) = judging.answers.all().values()
    assert (answer.state, answer.probability, answer.sent) == (Judged.REFUSED, None, "")
    assert "a report of this program" in answer.error
    assert not judging.outbox.parcels()
    assert judging.round() == 0


def test_what_was_in_line_before_is_not_said_to_be_put_there(judge: MakeJudge, loop: bytes) -> None:
    judging = judge(node_send_to='["archive", "second"]')
    judging.inbox.keep(SCAN_UID, loop)
    name = file_name(SCAN_UID)
    judging.outbox.add([pydicom.dcmread(BytesIO(loop))], "archive", name)
    judging.round()
    assert judging.answers.all()[name].sent == (
        "3 objects for second. Nothing more for archive: a report was put in line before."
    )


def _contents(path: Path) -> list[bytes]:
    with closing(sqlite3.connect(path)) as database:
        return [row[0] for row in database.execute("SELECT content FROM parcels")]


def test_answers_of_an_older_version_are_read_and_kept_on(tmp_path: Path) -> None:
    file = tmp_path / "answers.db"
    Answers(file).keep(Answer("a.dcm", Judged.ANSWERED, 1, width_mm=9.0))
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("ALTER TABLE answers DROP COLUMN width_deviation_mm")
    answers = Answers(file)
    answers.keep(Answer("b.dcm", Judged.ANSWERED, 1, width_mm=9.0, width_deviation_mm=0.5))
    kept = answers.all()
    assert (kept["a.dcm"].width_mm, kept["a.dcm"].width_deviation_mm) == (9.0, None)
    assert kept["b.dcm"].width_deviation_mm == 0.5


def test_what_a_label_teaches_most_about_comes_first_and_only_what_needs_one() -> None:
    said = {
        "settled": Answer("settled", Judged.ANSWERED, folds=(0.01, 0.02), width_mm=5.0),
        "border": Answer(
            "border", Judged.ANSWERED, folds=(0.5, 0.5), width_mm=10.0, width_deviation_mm=0.5
        ),
        "torn": Answer("torn", Judged.ANSWERED, folds=(0.05, 0.95)),
        "refused": Answer("refused", Judged.REFUSED),
    }
    rows = [Received(name, datetime.now(UTC), answer) for name, answer in said.items()]
    rows.append(Received("waiting", datetime.now(UTC), None))
    ordered = most_to_learn(rows)
    assert [row.name for row, _ in ordered] == ["border", "torn", "settled"]
    assert [row.name for row, _ in most_to_learn(rows, {"border"})] == ["torn", "settled"]
    assert "10.0 ± 0.5 mm" in ordered[0][1].reason
