"""The worklist in a real browser: what came in shows up by itself, and one click opens it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress

import pydicom
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Server
from tests.browser.scans import no_trace, wait_for_answer
from vmcore.clinic.network import Answer, Answers, Inbox, Judged, Outbox, State
from vmcore.data.phantom import make_phantom, write_dicom
from vmcore.data.phantom.writing import MADE_UP_NAME, MADE_UP_NUMBER


@pytest.fixture
def inbox(server: Server) -> Iterator[Inbox]:
    """The app's own inbox; others find it empty again."""
    inbox = Inbox(server.store / "inbox")
    yield inbox
    for path in inbox.instances():
        inbox.remove(path.name)
    for name in ("answers.db", "outbox.db"):
        (server.store / name).unlink(missing_ok=True)


def test_what_comes_in_is_listed_opened_and_sent_no_more(
    page: Page, server: Server, inbox: Inbox
) -> None:
    page.get_by_role("link", name="Worklist").click()
    expect(page.get_by_text("Nothing has come in so far.")).to_be_visible()
    expect(page.get_by_text("make node")).to_be_visible()
    scan = write_dicom(server.store / "scan.dcm", make_phantom(15.0, 3, shape=(240, 320)))
    inbox.keep("1.2.777.888", scan.read_bytes())
    expect(page.get_by_text("1 received, 1 of them not judged yet.")).to_be_visible()
    (path,) = inbox.instances()
    Answers(server.store / "answers.db").keep(Answer(path.name, Judged.FAILED, 3, "Gave up."))
    expect(page.get_by_text("1 received, 0 of them not judged yet.")).to_be_visible()
    answers = (server.store / "answers.db").read_bytes()
    (server.store / "answers.db").write_bytes(b"no database" * 100)  # while the page is open
    expect(page.get_by_text("The store cannot be read or written")).to_be_visible()
    no_trace(page)
    (server.store / "answers.db").write_bytes(answers)
    expect(page.get_by_text("1 received, 0 of them not judged yet.")).to_be_visible()
    close = page.get_by_role("button", name="Close", exact=True)
    _click_cell(page, 0, 300, close)
    wait_for_answer(page)
    expect(page.locator("h3").first).to_contain_text("Atrial width")
    for word in (MADE_UP_NAME, MADE_UP_NUMBER, "1.2.777.888"):
        assert word not in page.content()
    close.click()
    expect(page.get_by_text("Is the lateral ventricle wide?")).to_be_visible()
    page.get_by_role("link", name="Worklist").click()
    outbox = Outbox(server.store / "outbox.db")
    outbox.add([pydicom.dcmread(scan)], "nobody")
    expect(page.get_by_text("1 waiting.")).to_be_visible()
    stop = page.get_by_role("button", name="Send no more")
    _click_cell(page, 1, 15, stop)
    stop.click()
    page.get_by_role("button", name="Yes, send it no more").click()
    expect(page.get_by_text("1 cancelled.")).to_be_visible()
    assert outbox.parcels()[0].state is State.CANCELLED
    _click_cell(page, 0, 300, close)
    wait_for_answer(page)
    scan.unlink()
    no_trace(page)


def _click_cell(page: Page, table: int, right: int, then: Locator) -> None:
    """Click the first row of a table, so many pixels from its left edge, as often as it takes.

    A table takes no press that comes before the browser has drawn the pointer's arrival, nor one while it is
    drawn anew, which this page does by itself.
    """
    grid = page.get_by_test_id("stDataFrame").nth(table)
    ends = time.monotonic() + 120
    while not (then.is_visible() and then.is_enabled()):
        assert time.monotonic() < ends, "the table takes no click"
        grid.hover(position={"x": right, "y": 52})
        page.wait_for_timeout(150)
        grid.click(position={"x": right, "y": 52})
        with suppress(AssertionError):
            expect(then).to_be_enabled(timeout=10_000)
