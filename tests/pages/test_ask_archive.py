"""The form that asks an archive: there where one is configured, and with a sentence for what goes wrong."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
from pathlib import Path

import pytest
from streamlit.runtime.scriptrunner import StopException
from streamlit.testing.v1 import AppTest

from pages.parts.refreshing import refreshing
from tests.clinic.answering import answering
from tests.conftest import Configure
from vmcore.clinic import AUDIT_FILE, AuditTrail, audit_table, outcomes_by_week
from vmcore.clinic.network import Kept
from vmcore.clinic.network.running import hold_node
from vmcore.runs import RunError
from vmcore.settings import settings

PEERS = json.dumps([{"ae_title": "SCANNER", "host": "127.0.0.1"}])


def script() -> None:
    from pages.parts.ask_archive import show_ask_archive

    show_ask_archive()


def worklist() -> None:
    import runpy

    from pages.parts.frame import draw_frame

    draw_frame()  # as app.py does, which has it run
    runpy.run_path("pages/worklist.py")


def test_without_an_archive_nothing_is_asked(configured: Configure) -> None:
    configured(archives="[]")
    page = AppTest.from_function(script, default_timeout=60).run()
    assert not page.exception
    assert not page.text_input


def test_a_question_finds_studies_or_says_what_went_wrong(
    configured: Configure, tmp_path: Path
) -> None:
    with answering() as web:
        study = {
            "0020000D": {"vr": "UI", "Value": ["1.2.3"]},
            "00080020": {"vr": "DA", "Value": ["20250314"]},
            "00080050": {"vr": "SH", "Value": ["A-77"]},
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Sonnenschein^Anna"}]},
            "00100020": {"vr": "LO", "Value": ["P-4711\u202e"]},
            "00100030": {"vr": "DA", "Value": ["19910203"]},
        }
        web.headers = {"Content-Type": "application/dicom+json"}
        web.body = (json.dumps([study]).encode(),)
        configured(
            archives=json.dumps([{"name": "web", "url": web.url}]),
            store=str(tmp_path),
            audit="true",
        )
        page = AppTest.from_function(script, default_timeout=60).run()
        (look,) = page.button
        look.click().run()
        assert "Say a day" in page.error[0].value
        assert not web.asked
        page.text_input(key="asked-number").set_value("P-4711")
        page.button[0].click().run()
        assert not page.error
        found = page.dataframe[0].value
        assert found["accession number"].tolist() == ["A-77"]
        assert found["patient"].tolist() == ["Sonnenschein Anna"]
        assert found["patient's number"].tolist() == ["P-4711 "]
        assert [str(day) for day in found["born"]] == ["1991-02-03"]
        for place in page.query_params, page.main.markdown:
            assert "Sonnenschein" not in str(place)
        (entry,) = AuditTrail(settings().store / AUDIT_FILE).entries()
        assert entry.event.action == "asked archive"
        assert entry.event.details == {"archive": "web", "what": "studies", "found": 1}
        for path in settings().store.rglob("*"):
            if path.is_file():
                assert not any(
                    word in path.read_bytes() for word in (b"Sonnen", b"P-4711", b"1991")
                )
        assert len(web.asked) == 1
        assert "PatientID=P-4711&" in f"{web.asked[0]}&"
        web.status = 503
        page.button[0].click().run()
        assert "cannot do it now" in page.error[0].value
        assert not page.dataframe, "what was found before is no answer to this question"
        assert not page.exception
        details = [one.event.details for one in AuditTrail(settings().store / AUDIT_FILE).entries()]
        assert details[1:] == [{"archive": "web", "what": "studies", "found": None}]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (sqlite3.OperationalError("/secret/place is locked"), "cannot be read"),
        (PermissionError("/secret/place"), "cannot be read or written"),
        (OSError(errno.ENOSPC, "/secret/place"), "disk is full"),
        (RunError("Slurm does not answer."), "Slurm does not answer"),
    ],
    ids=["database", "folder", "disk", "run"],
)
def test_a_part_that_draws_itself_anew_says_what_went_wrong(
    error: Exception, sentence: str
) -> None:
    def draw() -> None:
        raise error

    def drawn(part: object) -> None:
        part()  # type: ignore[operator]

    page = AppTest.from_function(drawn, kwargs={"part": refreshing(draw, 2.0)}).run()
    assert not page.exception
    assert sentence in page.error[0].value
    assert "/secret" not in page.error[0].value


def fetching(images: int = 1) -> None:
    from pages.parts.ask_archive import _fetch
    from vmcore.clinic.network.dicomweb import FoundImage
    from vmcore.settings import settings

    wanted = [FoundImage("1.2", "1.3", "1.4", None, None, None, None, None)] * images
    _fetch(settings().archives[0], wanted)


def test_what_is_fetched_is_noted_by_count_and_what_was_left_is_swept(
    configured: Configure, tmp_path: Path
) -> None:
    left = tmp_path / "inbox" / ".half-left"
    left.parent.mkdir()
    left.write_bytes(b"by who was killed")
    with answering() as web:
        web.status = 404
        configured(
            archives=json.dumps([{"name": "web", "url": web.url}]),
            store=str(tmp_path),
            audit="true",
        )
        page = AppTest.from_function(fetching, default_timeout=60).run()
    assert "1 image not fetched" in page.error[0].value
    assert not left.exists()
    entries = AuditTrail(tmp_path / AUDIT_FILE).entries()
    assert [(one.event.action, dict(one.event.details)) for one in entries] == [
        ("fetched", {"archive": "web", "new": 0, "same": 0, "failed": 1})
    ]
    table = audit_table(entries)
    assert table["probability"].isna().all()
    assert outcomes_by_week(table).empty, "it is no answer"


@pytest.mark.parametrize(
    "error", [StopException(), PermissionError("/secret/place")], ids=["left", "disk"]
)
def test_what_came_before_a_fetch_broke_off_is_noted(
    configured: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    came = iter([Kept.NEW, error])

    def retrieve(*_: object) -> Kept:
        one = next(came)
        if isinstance(one, BaseException):
            raise one
        return one

    configured(
        archives=json.dumps([{"name": "web", "url": "http://127.0.0.1:9/dicom-web"}]),
        store=str(tmp_path),
        audit="true",
    )
    monkeypatch.setattr("pages.parts.ask_archive.retrieve", retrieve)
    page = AppTest.from_function(fetching, kwargs={"images": 2}, default_timeout=60).run()
    assert not page.exception
    assert not any("/secret" in shown.value for shown in page.error)
    (entry,) = AuditTrail(tmp_path / AUDIT_FILE).entries()
    assert entry.event.details == {"archive": "web", "new": 1, "same": 0, "failed": 1}


@pytest.mark.parametrize(("peers", "come"), [("[]", "fetched"), (PEERS, "received")])
def test_a_node_that_does_not_judge_is_said_to(
    configured: Configure, tmp_path: Path, peers: str, come: str
) -> None:
    archives = json.dumps([{"name": "web", "url": "http://127.0.0.1:9/dicom-web"}])
    configured(archives=archives, node_peers=peers, node_judges="false", store=str(tmp_path))
    lock = hold_node(tmp_path)
    try:
        page = AppTest.from_function(worklist, default_timeout=60).run()
    finally:
        os.close(lock)
    assert f"can be {come}" in page.warning[0].value
    assert "nothing judges them now" in page.warning[0].value
    assert "is judged" not in "".join(str(caption.value) for caption in page.caption)
