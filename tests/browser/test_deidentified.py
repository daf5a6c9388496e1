"""De-identified DICOM from the classify page: looked at first, and without the name that was in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pydicom import dcmread

from tests.browser.driving import downloaded, settled
from tests.browser.scans import no_trace, upload, wait_for_answer
from vmcore.data.phantom import make_phantom, write_dicom, write_png
from vmcore.data.phantom.writing import MADE_UP_NAME, MADE_UP_NUMBER


@pytest.mark.long
def test_a_file_without_identity_is_saved_once_it_was_looked_at(page: Page, tmp_path: Path) -> None:
    phantom = make_phantom(12.0, 5)
    upload(page, write_dicom(tmp_path / "scan.dcm", phantom))
    wait_for_answer(page)
    page.get_by_text("De-identified DICOM").click()
    settled(page)  # what is drawn anew takes no click
    page.get_by_role("button", name="Make the file").click()
    save = page.get_by_role("button", name="Save DICOM")
    expect(save).to_be_disabled()
    settled(page)
    page.get_by_text("I looked: no name is visible").last.click()
    expect(save).to_be_enabled()
    download = downloaded(page, save)
    saved = Path(download.path())
    assert dcmread(saved).PatientIdentityRemoved == "YES"
    assert not [
        mark for mark in (MADE_UP_NAME, MADE_UP_NUMBER) if mark.encode() in saved.read_bytes()
    ]
    no_trace(page)


@pytest.mark.long
def test_a_picture_offers_no_dicom(page: Page, tmp_path: Path) -> None:
    upload(page, write_png(tmp_path / "scan.png", make_phantom(12.0, 5)))
    wait_for_answer(page)
    expect(page.get_by_role("button", name="Heatmap PNG")).to_be_visible()
    expect(page.get_by_text("De-identified DICOM")).to_have_count(0)
