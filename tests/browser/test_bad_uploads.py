"""Files that are no scans, too large or damaged, and what must not be kept of those that are."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import UPLOAD_LIMIT_MB, Server
from tests.browser.driving import toggle_example
from tests.browser.scans import no_trace, upload, wait_for_answer
from tests.imaging.test_bad_files import (
    animated,
    locked_zip,
    png_header,
    tiny_png,
    truncated_dicom,
    without_pixels,
)
from tests.imaging.test_reading import packaged
from vmcore.data.phantom import OverlaySettings, make_phantom, write_dicom
from vmcore.data.phantom.writing import MADE_UP_NAME, MADE_UP_NUMBER

BAD: dict[str, tuple[bytes, str]] = {
    "empty.dcm": (b"", "empty"),
    "text.dcm": (b"Jane Doe 1990", "not a scan"),
    "cut.dcm": (truncated_dicom(), "damaged or incomplete"),
    "no-pixels.dcm": (without_pixels(), "no image"),
    "huge.png": (png_header(30_000, 30_000), "30000 x 30000"),
    "ct.dcm": (packaged("CT_small.dcm").read_bytes(), "CT image"),
    "locked.zip": (locked_zip(), "archive"),
    "moving.gif": (animated("GIF"), "GIF"),
    "dot.png": (tiny_png(), "too small"),
}


def test_each_bad_file_gets_a_sentence_and_the_good_one_its_answer(
    page: Page, tmp_path: Path
) -> None:
    good = write_dicom(tmp_path / "good.dcm", make_phantom(8.0, 3, shape=(240, 320)))
    payload = [
        {"name": name, "mimeType": "application/octet-stream", "buffer": content}
        for name, (content, _) in BAD.items()
    ]
    payload.append({"name": "good.dcm", "mimeType": "", "buffer": good.read_bytes()})
    upload(page, *payload)
    wait_for_answer(page)
    page.get_by_text("more files could not be used").click()
    expect(page.get_by_text(BAD["dot.png"][1])).to_be_visible()
    said = page.get_by_test_id("stSidebar").inner_text()
    for _, words in BAD.values():
        assert words in said
    assert "Doe" not in said
    no_trace(page)


@pytest.mark.long
def test_a_file_over_the_limit_is_refused_and_the_page_goes_on(page: Page) -> None:
    large = bytes((UPLOAD_LIMIT_MB + 1) * 2**20)
    upload(page, {"name": "large.dcm", "mimeType": "", "buffer": large})
    expect(page.get_by_text(f"must be {UPLOAD_LIMIT_MB}")).to_be_visible()
    toggle_example(page, "1 normal")
    wait_for_answer(page)
    no_trace(page)


def test_nothing_of_an_upload_reaches_log_or_disk(
    page: Page, server: Server, tmp_path: Path
) -> None:
    phantom = make_phantom(9.0, 77, shape=(240, 320), overlays=OverlaySettings())
    path = write_dicom(tmp_path / f"{MADE_UP_NAME}.dcm", phantom)
    note = tmp_path / "doe-jane.dcm"
    note.write_bytes(b"Doe, Jane")
    upload(page, path, note)
    wait_for_answer(page)
    log = server.log.read_text()
    for secret in (MADE_UP_NAME, MADE_UP_NUMBER, "doe-jane", "Doe, Jane"):
        assert secret not in log
    pixels = phantom.image.tobytes()[120_000:120_600]
    for file in server.home.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert MADE_UP_NAME.encode() not in content
            assert pixels not in content
