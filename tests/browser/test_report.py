"""From an answer to a signed report: decide, take the PDF away, and find it all in the audit trail."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pypdfium2
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server
from tests.browser.driving import downloaded, settled
from tests.browser.scans import no_trace, upload, wait_for_answer
from tests.canaries import search
from vmcore import RESEARCH_USE_ONLY
from vmcore.clinic import AuditTrail
from vmcore.data.phantom import OverlaySettings, make_phantom, write_dicom, write_png
from vmcore.data.phantom.writing import MADE_UP_NAME, MADE_UP_NUMBER
from vmcore.reporting.case import REASONS


def taken(page: Page, button: str) -> bytes:
    caught = downloaded(page, button)
    assert MADE_UP_NAME not in caught.suggested_filename
    return Path(caught.path()).read_bytes()


def text_of(pdf: bytes) -> str:
    return " ".join(pypdfium2.PdfDocument(pdf)[0].get_textpage().get_text_range().split())


def keep_for_training(page: Page, server: Server) -> None:
    page.get_by_role("button", name="Keep for training").click()
    page.get_by_role("button", name="Keep this one").click()
    expect(page.get_by_text("This one is kept")).to_be_visible()
    page.keyboard.press("Escape")
    manifest = server.store / "collections/decided-scans/manifest.csv"
    learnt = pd.read_csv(manifest).iloc[0]
    assert (learnt["label"], learnt["atrial_width_mm"], learnt["subject_known"]) == (
        "normal", 9.5, True,
    )  # fmt: skip
    assert not search([server.store / "collections"], {"number": MADE_UP_NUMBER, "name": "Zoë"})


def test_an_answer_is_decided_reported_and_recorded(
    page: Page, server: Server, tmp_path: Path
) -> None:
    phantom = make_phantom(14.0, 91, shape=(360, 480), overlays=OverlaySettings())
    upload(page, write_dicom(tmp_path / "scan.dcm", phantom))
    headline = wait_for_answer(page)
    expect(page.get_by_role("button", name="Report PDF")).to_be_disabled()
    settled(page)
    page.get_by_label("Your name").fill("Zoë Őry")
    page.get_by_label("Your name").press("Enter")
    page.get_by_role("button", name="Correct").click()
    page.get_by_role("button", name="Keep the correction").click()
    expect(page.get_by_text("Say why")).to_be_visible()
    page.get_by_text("normal", exact=True).last.click()
    page.get_by_label("Atrial width in mm").fill("9.5")
    page.get_by_role("combobox", name="Why").click()
    page.get_by_text(REASONS[0]).click()
    page.get_by_role("textbox", name="Comment").fill("Seen twice.")
    page.get_by_role("button", name="Keep the correction").click()
    expect(page.get_by_text("Corrected")).to_be_visible()
    expect(page.get_by_text("Normal. 9.5 mm.")).to_be_visible()

    page.get_by_text("I looked: no name is visible").click()
    told = text_of(taken(page, "Report PDF"))
    for words in (
        headline[headline.index("Atrial width") :],
        "Corrected by Zoë Őry",
        "Seen twice.",
        RESEARCH_USE_ONLY,
    ):
        assert words in told
    for secret in (*MADE_UP_NAME.split("^"), MADE_UP_NUMBER):
        assert secret not in told
    page.get_by_text("Patient's name and numbers in the PDF").click()
    expect(page.get_by_role("button", name="Report PDF with the patient's name")).to_be_visible()
    assert MADE_UP_NUMBER in text_of(taken(page, "Report PDF with"))
    row = pd.read_csv(io.BytesIO(taken(page, "Results CSV"))).iloc[0]
    assert (row["decision"], row["decided_width_mm"], row["decided_by"]) == (
        "corrected", 9.5, "Zoë Őry",
    )  # fmt: skip

    keep_for_training(page, server)
    think_again_and_keep_it(page)
    page.get_by_role("button", name="Change").click()
    expect(page.get_by_role("button", name="Accept")).to_be_visible()
    settled(page)
    page.keyboard.press("Alt+a")
    expect(page.get_by_text("Accepted")).to_be_visible()
    no_trace(page)

    trail = AuditTrail(server.store / "audit.db")
    assert trail.findings == []
    mine = [entry.event for entry in trail.entries()][-7:]
    assert [(event.action, event.decision) for event in mine] == [
        ("answered", None), ("assessed", "corrected"), ("exported", "corrected"),
        ("exported", "corrected"), ("exported", "corrected"), ("kept", "corrected"),
        ("assessed", "accepted"),
    ]  # fmt: skip
    assert len({event.pixels for event in mine}) == 1
    assert [event.details.get("with_identity") for event in mine[2:5]] == [False, True, False]
    for file in server.store.glob("audit.db*"):
        content = file.read_bytes()
        assert MADE_UP_NUMBER.encode() not in content
        assert b"Seen twice" not in content

    look_at_the_audit(page)
    no_trace(page)


def think_again_and_keep_it(page: Page) -> None:
    page.get_by_role("button", name="Change").click()
    expect(page.get_by_text("Corrected stands until you decide anew.")).to_be_visible()
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_text("Normal. 9.5 mm.")).to_be_visible()


def look_at_the_audit(page: Page) -> None:
    page.get_by_role("link", name="Audit").click()
    expect(page.get_by_text("The chain is whole")).to_be_visible()
    decided = page.locator("[role=gridcell]", has_text="normal 9.5 mm")
    expect(decided.first).to_be_attached()  # beside what the classifier said
    table = pd.read_csv(io.BytesIO(taken(page, "CSV of these")))
    assert table["action"].tolist()[-1] == "assessed"
    page.get_by_text("Monitoring").click()
    expect(page.get_by_text("What people decided, by week")).to_be_visible()


@pytest.mark.long
def test_a_picture_without_a_header_has_no_name_to_report(page: Page, tmp_path: Path) -> None:
    upload(page, write_png(tmp_path / "scan.png", make_phantom(9.0, 5, shape=(240, 320))))
    wait_for_answer(page)
    expect(page.get_by_text("PNG files hold none")).to_be_visible()
    expect(page.get_by_role("switch", name="No patient's name")).to_be_disabled()
