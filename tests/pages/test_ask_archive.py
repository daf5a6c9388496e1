"""The form that asks an archive: there where one is configured, and with a sentence for what goes wrong."""

from __future__ import annotations

import json
import sqlite3

import pytest
from streamlit.testing.v1 import AppTest

from pages.parts.refreshing import refreshing
from tests.clinic.answering import answering
from tests.conftest import Configure
from vmcore.runs import RunError


def script() -> None:
    from pages.parts.ask_archive import show_ask_archive

    show_ask_archive()


def test_without_an_archive_nothing_is_asked(configured: Configure) -> None:
    configured(archives="[]")
    page = AppTest.from_function(script, default_timeout=60).run()
    assert not page.exception
    assert not page.text_input


def test_a_question_finds_studies_or_says_what_went_wrong(configured: Configure) -> None:
    with answering() as web:
        study = {
            "0020000D": {"vr": "UI", "Value": ["1.2.3"]},
            "00080020": {"vr": "DA", "Value": ["20250314"]},
            "00080050": {"vr": "SH", "Value": ["A-77"]},
        }
        web.headers = {"Content-Type": "application/dicom+json"}
        web.body = (json.dumps([study]).encode(),)
        configured(archives=json.dumps([{"name": "web", "url": web.url}]))
        page = AppTest.from_function(script, default_timeout=60).run()
        (look,) = page.button
        look.click().run()
        assert "Say a day" in page.error[0].value
        assert not web.asked
        page.text_input(key="asked-number").set_value("P-4711")
        page.button[0].click().run()
        assert not page.error
        assert page.dataframe[0].value["accession number"].tolist() == ["A-77"]
        assert len(web.asked) == 1
        assert "PatientID=P-4711&" in f"{web.asked[0]}&"
        web.status = 503
        page.button[0].click().run()
        assert "cannot do it now" in page.error[0].value
        assert not page.dataframe, "what was found before is no answer to this question"
        assert not page.exception


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (sqlite3.OperationalError("/secret/place is locked"), "cannot be read"),
        (PermissionError("/secret/place"), "cannot be read"),
        (RunError("Slurm does not answer."), "Slurm does not answer"),
    ],
    ids=["database", "disk", "run"],
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
