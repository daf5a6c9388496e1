"""A frame's report as DICOM of the study that it came from."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pydicom import dcmread

from tests.browser.driving import downloaded
from tests.browser.scans import no_trace, upload, wait_for_answer
from vmcore.data.phantom import make_phantom, write_dicom
from vmcore.data.phantom.writing import MADE_UP_NAME, MADE_UP_NUMBER


def test_a_report_is_taken_away_as_dicom_of_the_study(page: Page, tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "scan.dcm", make_phantom(14.0, 21, shape=(360, 480)))
    upload(page, path)
    wait_for_answer(page)
    button = page.get_by_role("button", name="DICOM (capture")
    expect(button).to_be_disabled()
    page.get_by_text("I looked: no name is visible").click()
    expect(button).to_be_enabled()
    button.click()
    expect(page.get_by_text("carry the patient's name and numbers")).to_be_visible()
    caught = downloaded(page, "Save 3 DICOM files")
    assert MADE_UP_NAME not in caught.suggested_filename
    with zipfile.ZipFile(caught.path()) as archive:
        made = [dcmread(io.BytesIO(archive.read(name))) for name in archive.namelist()]
    study = dcmread(path).StudyInstanceUID
    assert [(one.Modality, one.StudyInstanceUID) for one in made] == [
        ("OT", study), ("SR", study), ("PR", study),
    ]  # fmt: skip
    assert MADE_UP_NUMBER not in page.content()
    no_trace(page)


@pytest.mark.long
def test_a_broken_study_gets_a_sentence_instead_of_files(page: Page, tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "scan.dcm", make_phantom(9.0, 5, shape=(240, 320)))
    broken = dcmread(path)
    del broken.StudyInstanceUID
    broken.save_as(path)
    upload(page, path)
    wait_for_answer(page)
    page.get_by_text("I looked: no name is visible").click()
    button = page.get_by_role("button", name="DICOM (capture")
    expect(button).to_be_enabled()
    button.click()
    expect(page.get_by_text("does not say which study it is")).to_be_visible()
    no_trace(page)
