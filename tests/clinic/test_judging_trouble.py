"""What keeps the judge from its work for a while leaves the images waiting; it is not their answer."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from tests.conftest import Configure
from vmcore.anatomy import AnatomyModel
from vmcore.clinic.audit import AUDIT_FILE, AuditTrail, asked_archive
from vmcore.clinic.network import judging as judging_module
from vmcore.clinic.network.answers import Answers, Judged
from vmcore.clinic.network.inbox import Inbox, file_name
from vmcore.clinic.network.judging import Judge
from vmcore.clinic.network.outbox import Outbox
from vmcore.imaging import BusyError, GoneError
from vmcore.inference import Classifier
from vmcore.settings import settings


@pytest.fixture(scope="module")
def models() -> tuple[Classifier, AnatomyModel]:
    return Classifier.load(settings().bundle), AnatomyModel.load()


@pytest.fixture
def judging(
    tmp_path: Path, configured: Configure, models: tuple[Classifier, AnatomyModel]
) -> Judge:
    configured(store=str(tmp_path))
    return Judge(settings(), Inbox(), Answers(), Outbox(), *models)


@pytest.mark.parametrize(
    "trouble",
    [OSError(28, "x"), sqlite3.OperationalError("x"), MemoryError(), type("OutOfMemoryError", (RuntimeError,), {})()],
    ids=["disk", "database", "memory", "device"],
)  # fmt: skip
def test_trouble_that_passes_is_no_answer(
    judging: Judge, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    judging.inbox.keep("1.2", b"no scan")
    judging.inbox.keep("1.3", b"no scan either")
    for place, path in enumerate(judging.inbox.instances()):
        os.utime(path, (1000 - place, 1000 - place))
    reads = judging_module.read_sandboxed

    def read(content: bytes, **more: object) -> object:
        if content == b"no scan":
            raise trouble
        return reads(content, **more)

    with monkeypatch.context() as patch:
        patch.setattr(judging_module, "read_sandboxed", read)
        for _ in range(5):
            with pytest.raises((OSError, sqlite3.Error, BusyError)):
                judging.round()
        kept = judging.answers.all()
        assert kept[file_name("1.3")].state is Judged.REFUSED, "others are not held up"
        assert (kept[file_name("1.2")].state, kept[file_name("1.2")].tries) == (Judged.BEGUN, 0)
    assert judging.round() == 1


def test_a_reader_that_died_is_asked_three_times(
    judging: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    judging.inbox.keep("1.2", b"no scan")

    def read(content: bytes, **_: object) -> object:
        raise GoneError("It takes too long.")

    monkeypatch.setattr(judging_module, "read_sandboxed", read)
    assert [judging.round() for _ in range(4)] == [0, 0, 1, 0]
    (answer,) = judging.answers.all().values()
    assert (answer.state, answer.error) == (Judged.REFUSED, "It takes too long.")


def test_an_image_that_has_trouble_while_others_have_none_is_given_up(
    judging: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = judging_module.read_sandboxed

    def read(content: bytes, **more: object) -> object:
        if content == b"no scan":
            raise OSError(5, "x")
        return reads(content, **more)

    monkeypatch.setattr(judging_module, "read_sandboxed", read)
    judging.inbox.keep("1.2", b"no scan")
    for _ in range(12):  # alone, its trouble may be the machine's
        with pytest.raises(OSError, match="x"):
            judging.round()
    judging.inbox.keep("1.3", b"no scan either")
    assert judging.round() == 2
    states = {name: answer.state for name, answer in judging.answers.all().items()}
    assert states == {file_name("1.2"): Judged.FAILED, file_name("1.3"): Judged.REFUSED}


def test_what_the_trail_could_not_take_is_noted_in_the_next_round(judging: Judge) -> None:
    judging.configured = judging.configured.model_copy(update={"audit": True})
    place = Path(judging.configured.store) / AUDIT_FILE
    place.mkdir()
    judging._note(asked_archive("node", "web", "studies", 1))
    assert len(judging.pending.events) == 1
    place.rmdir()
    judging.round()
    assert not judging.pending.events
    assert [one.event.action for one in AuditTrail(place).entries()] == ["asked archive"]
