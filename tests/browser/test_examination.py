"""A whole examination at once, in a real browser: judged in the background, listed, gone through by keys."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from tests.browser.driving import downloaded, toggle_example
from tests.browser.scans import no_trace, open_scan, wait_for_answer
from tests.imaging.test_reading import packaged
from vmcore.data.phantom import make_phantom, write_dicom, write_png

WIDTHS = (6.0, 15.0, 7.0, 5.5, 13.0)


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What a hospital's CD holds: scans, a scan of something else, litter, a file that is broken."""
    folder = tmp_path_factory.mktemp("export")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number, width in enumerate(WIDTHS):
            scan = write_dicom(
                folder / "scan.dcm", make_phantom(width, 40 + number, shape=(240, 320))
            )
            archive.write(scan, f"DOE_JANE/IM{number:04d}")
        archive.write(
            write_png(folder / "scan.png", make_phantom(7.0, 60, shape=(240, 320))), "a.png"
        )
        archive.write(packaged("examples_palette.dcm"), "DOE_JANE/IM0099")
        archive.writestr("DOE_JANE/IM0100", scan.read_bytes()[:3000])
        archive.write(packaged("DICOMDIR"), "DICOMDIR")
        archive.writestr("__MACOSX/._IM0001", b"x")
        archive.writestr("VIEWER/run.exe", b"MZ")
    return stream.getvalue()


@pytest.mark.long
def test_an_export_is_judged_listed_and_gone_through_by_keys(page: Page, export: bytes) -> None:
    page.set_input_files(
        "input[type=file]",
        {"name": "DOE_JANE.zip", "mimeType": "application/zip", "buffer": export},
    )
    wait_for_answer(page)
    sidebar = page.get_by_test_id("stSidebar")
    expect(page.get_by_text("Judged ")).to_have_count(0)
    expect(sidebar.get_by_text("of 7", exact=False).first).to_be_visible()
    expect(sidebar.get_by_text("File 8: ")).to_be_visible()  # the broken one
    expect(sidebar.get_by_text("DICOM directories (1)")).to_be_visible()
    expect(sidebar.get_by_text("viewer programs (1)")).to_be_visible()
    open_scan(page, 2)  # the widest
    where = sidebar.get_by_text("Scan 2: ")
    expect(where).to_have_text("Scan 2: 1 of 7")
    page.locator("h3").first.click()
    page.keyboard.press("n")
    expect(sidebar.get_by_text(": 2 of 7")).to_be_visible()
    page.keyboard.press("p")
    expect(where).to_have_text("Scan 2: 1 of 7")
    sidebar.get_by_text("Normal", exact=True).click()
    expect(where).to_have_text("Scan 2: not in this list")
    sidebar.get_by_text("Normal", exact=True).click()
    caught = downloaded(page, "Results CSV")
    table = pd.read_csv(Path(caught.path()))
    assert table["scan"].tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert (table["verdict"] == "No answer").tolist() == [False] * 7 + [True]
    wide = table.set_index("scan")["atrial_width_mm"]
    assert wide[2] > 12
    assert wide[1] < 9
    assert "DOE_JANE" not in page.content().replace("DOE_JANE.zip", "")  # the field's own list
    no_trace(page)


@pytest.mark.long
def test_a_folder_can_be_added_as_it_is(page: Page, tmp_path: Path) -> None:
    below = tmp_path / "study" / "series"
    below.mkdir(parents=True)
    write_png(below / "one.png", make_phantom(6.0, 1, shape=(240, 320)))
    write_png(below / "two.png", make_phantom(7.0, 2, shape=(240, 320)))
    (tmp_path / "study" / "Thumbs.db").write_bytes(b"x")
    page.get_by_text("A whole folder").click()
    page.set_input_files("input[type=file] >> nth=1", tmp_path / "study")
    wait_for_answer(page)
    expect(page.get_by_test_id("stSidebar").get_by_text("Scan 1: ")).to_be_visible()
    expect(page.get_by_text("Judged ")).to_have_count(0)
    expect(page.get_by_text("system files (1)")).to_be_visible()
    no_trace(page)


@pytest.mark.long
def test_a_loop_is_judged_and_its_surest_frames_are_a_click_away(page: Page) -> None:
    toggle_example(page, "4 loop")
    wait_for_answer(page)
    slider = page.get_by_role("slider", name="Frame")
    expect(slider).to_have_value("4")
    page.get_by_role("button", name="Judge all 6 frames").click()
    expect(page.get_by_text("6 of 6 frames judged")).to_be_visible()
    expect(page.get_by_text("The atrium was measured in 6")).to_be_visible()
    proposed = page.get_by_role("button", name=re.compile(r"^Frame \d$"))
    expect(proposed.first).to_be_visible()
    other = next(one for one in proposed.all() if one.inner_text() != "Frame 4")
    chosen = other.inner_text().removeprefix("Frame ")
    other.click()
    expect(slider).to_have_value(chosen)
    wait_for_answer(page)
    no_trace(page)
