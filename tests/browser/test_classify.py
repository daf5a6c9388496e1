"""A sonographer's way through the app, in a real browser with real files."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.driving import downloaded, settled, toggle_example
from tests.browser.scans import no_trace, open_scan, upload, wait_for_answer
from tests.imaging.drawn import as_ycbcr, dataset_of, picture, saved
from tests.imaging.ruled import ruled
from tests.imaging.test_reading import packaged
from vmcore import RESEARCH_USE_ONLY
from vmcore.data.phantom import OverlaySettings, make_phantom, write_dicom, write_png
from vmcore.data.phantom.writing import MADE_UP_NAME, MADE_UP_NUMBER


def test_the_page_opens_with_its_notice(page: Page) -> None:
    expect(page.get_by_text(RESEARCH_USE_ONLY)).to_be_visible()
    expect(page.get_by_role("heading", name="Is the lateral ventricle wide?")).to_be_visible()


@pytest.mark.long
def test_an_example_is_one_click_away(page: Page) -> None:
    toggle_example(page, "3 wide")
    wide = wait_for_answer(page)
    assert "Atrial width" in wide
    assert wide.endswith((": mild", ": moderate", ": severe"))
    assert page.locator(".scatterlayer .js-line").count() >= 6  # head, midline, calliper, twice
    toggle_example(page, "3 wide")
    expect(page.get_by_text("Drag a scan into the field above")).to_be_visible()
    toggle_example(page, "1 normal")
    assert wait_for_answer(page).endswith(": normal")
    no_trace(page)


def test_a_phantom_dicom_is_cleaned_judged_and_taken_away(page: Page, tmp_path: Path) -> None:
    phantom = make_phantom(14.0, 21, shape=(360, 480), overlays=OverlaySettings())
    file = write_dicom(tmp_path / f"{MADE_UP_NAME}.dcm", phantom)
    upload(page, file)
    wait_for_answer(page)
    for words in ("What was removed, and why", "outside the ultrasound region", "mm per pixel"):
        expect(page.get_by_text(words).first).to_be_visible()
    caught = downloaded(page, "Results CSV")
    table = pd.read_csv(caught.path())
    assert table["scan"].tolist() == [1]
    assert table["file_sha256"].tolist() == [hashlib.sha256(file.read_bytes()).hexdigest()]
    assert 0 <= table["probability"][0] <= 1
    assert table["notice"][0] == RESEARCH_USE_ONLY
    expect(page.get_by_role("button", name="Heatmap PNG")).to_be_disabled()
    page.get_by_text("I looked: no name is visible").click()
    caught = downloaded(page, "Heatmap PNG")
    assert MADE_UP_NAME not in caught.suggested_filename
    picture = Image.open(io.BytesIO(Path(caught.path()).read_bytes()))
    assert picture.width > 1000
    assert MADE_UP_NUMBER not in page.content()
    assert MADE_UP_NAME not in page.url


def test_a_loop_has_a_frame_slider(page: Page) -> None:
    upload(page, packaged("examples_ybr_color.dcm"))
    wait_for_answer(page)
    slider = page.get_by_role("slider", name="Frame")
    expect(slider).to_have_value("16")
    settled(page)
    slider.focus()
    slider.press("ArrowRight")
    expect(slider).to_have_value("17")
    wait_for_answer(page)
    no_trace(page)


def test_a_real_head_gets_an_answer(page: Page, real_data: Path) -> None:
    path = sorted((real_data / "hc18/images").glob("*_HC.png"))[0]
    upload(page, path)
    wait_for_answer(page)
    expect(page.get_by_text("does not say how large its pixels are")).to_be_visible()
    no_trace(page)


@pytest.mark.long
def test_the_gestational_age_gives_millimetres(page: Page, tmp_path: Path) -> None:
    upload(page, write_png(tmp_path / "scan.png", make_phantom(7.0, 3)))  # PNG has no pixel size
    wait_for_answer(page)
    expect(page.get_by_text("of the head's short axis")).to_be_visible()
    settled(page)
    field = page.get_by_label("Gestational age: weeks")
    field.fill("21")
    field.press("Enter")
    headline = page.get_by_text("by gestational age")
    expect(headline).to_be_visible()
    assert " mm (" in headline.inner_text()
    expect(page.get_by_text("expected to have")).to_be_visible()
    caught = downloaded(page, "Results CSV")
    table = pd.read_csv(caught.path())
    assert table["millimetres_from"][0] == "gestational age"
    page.get_by_text("I looked: no name is visible").click()
    expect(page.get_by_role("button", name="Heatmap PNG")).to_be_enabled()
    expect(page.get_by_role("button", name="DICOM (capture")).to_be_disabled()  # PNG has no study
    no_trace(page)


@pytest.mark.long
def test_a_ruler_gives_millimetres(page: Page, tmp_path: Path) -> None:
    phantom = ruled("dots", 1, (661, 959))
    upload(page, write_png(tmp_path / "scan.png", phantom))  # PNG has no pixel size
    wait_for_answer(page)
    headline = page.get_by_text("by the ruler").first
    expect(headline).to_be_visible()
    assert " mm (" in headline.inner_text()
    expect(page.get_by_text("its ticks taken as 5 mm apart")).to_be_visible()
    caught = downloaded(page, "Results CSV")
    table = pd.read_csv(caught.path())
    assert table["millimetres_from"][0] == "ruler"
    assert table["ruler_tick_mm"][0] == 5
    settled(page)
    field = page.get_by_label("Gestational age: weeks")
    field.fill("39")  # the head is far too small for that: the ruler was misread
    field.press("Enter")
    expect(page.get_by_text("by gestational age")).to_be_visible()
    expect(page.get_by_text("so it is not used")).to_be_visible()
    no_trace(page)


def test_no_width_is_told_where_there_is_no_head(page: Page) -> None:
    upload(page, packaged("examples_palette.dcm"))  # a real scan of another organ
    assert "No verdict" in wait_for_answer(page)
    expect(page.get_by_text("No fetal head was found").first).to_be_visible()
    no_trace(page)


def test_several_scans_are_listed(page: Page, tmp_path: Path) -> None:
    files = [
        write_dicom(tmp_path / f"{i}.dcm", make_phantom(width, 30 + i, shape=(240, 320)))
        for i, width in enumerate((6.0, 14.0, 7.0))
    ]
    upload(page, *files)
    wait_for_answer(page)
    for number in (2, 1, 3):
        open_scan(page, number)
        wait_for_answer(page)
    no_trace(page)


@pytest.mark.long
def test_a_header_that_is_wrong_about_its_picture_is_noted(page: Page) -> None:
    data = saved(dataset_of(as_ycbcr(picture())))  # which calls itself RGB
    upload(page, {"name": "scan.dcm", "mimeType": "", "buffer": data})
    wait_for_answer(page)
    expect(page.get_by_text("they were read as YCbCr")).to_be_visible()


def test_verdict_and_pictures_are_seen_without_scrolling_on_a_small_screen(
    page: Page, tmp_path: Path
) -> None:
    page.set_viewport_size({"width": 1366, "height": 768})
    upload(page, write_png(tmp_path / "scan.png", make_phantom(9.0, 5, shape=(540, 800))))
    wait_for_answer(page)
    for part in (page.locator("h3").first, page.get_by_text("A dot is a fold").first,
                 page.locator(".heatmaplayer image").first):  # fmt: skip
        box = part.bounding_box()
        assert box is not None
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 768
    narrow = page.locator(".heatmaplayer image").first.bounding_box()
    page.get_by_role("radio", name="Where the model looked").click()
    expect(page.locator(".imagelayer image, .im image")).to_have_count(1)
    wide = page.locator(".heatmaplayer image").first.bounding_box()
    assert narrow is not None
    assert wide is not None
    assert wide["width"] > 2 * narrow["width"]
    assert wide["y"] + wide["height"] <= 768


@pytest.mark.long
def test_other_heatmaps_can_be_compared(page: Page) -> None:
    toggle_example(page, "3 wide")
    wait_for_answer(page)
    field = page.get_by_role("combobox", name="Heatmap method")
    field.scroll_into_view_if_needed()
    page.wait_for_timeout(500)  # the list closes while the page scrolls
    field.click()
    page.get_by_role("option", name="layer-cam").click()
    expect(page.get_by_text("Analysing")).to_have_count(0)
    wait_for_answer(page)
    no_trace(page)


def test_scans_stay_while_another_page_is_looked_at(page: Page, tmp_path: Path) -> None:
    for name, width in (("a", 7.0), ("b", 15.0)):
        write_png(tmp_path / f"{name}.png", make_phantom(width, 30, shape=(300, 400)))
    upload(page, tmp_path / "a.png")
    wait_for_answer(page)
    toggle_example(page, "3 wide")
    expect(page.get_by_text("Scan 1: ")).to_contain_text("of 2")
    settled(page)  # the key is the button's, which may be drawn anew
    page.keyboard.press("Alt+a")
    expect(page.get_by_text("Accepted by")).to_be_visible()

    page.get_by_role("link", name="About").click()
    expect(page.get_by_role("heading", name="Model card")).to_be_visible()
    page.get_by_role("link", name="Classify").click()
    wait_for_answer(page)
    expect(page.get_by_text("One file from before is open")).to_be_visible()
    expect(page.get_by_text("Accepted by")).to_be_visible()
    upload(page, tmp_path / "b.png")
    expect(page.get_by_text("Scan 1: ")).to_contain_text("of 3")

    page.get_by_role("link", name="About").click()
    expect(page.get_by_role("heading", name="Model card")).to_be_visible()
    page.get_by_role("link", name="Classify").click()
    expect(page.get_by_text("2 files from before are open")).to_be_visible()
    with page.expect_event("dialog") as asked:  # a reload would take the decision away
        page.evaluate("setTimeout(() => location.reload(), 0)")
    assert asked.value.type == "beforeunload"
    asked.value.dismiss()
    toggle_example(page, "3 wide")  # is chosen still, and is not any more now
    expect(page.get_by_text("Scan 1: ")).to_contain_text("of 2")
    settled(page)
    page.get_by_role("button", name="Put away", exact=True).click()
    expect(page.get_by_text("One scan has decisions or callipers of yours.")).to_be_visible()
    page.get_by_role("button", name="Put away all the same").click()
    expect(page.get_by_text("Drag a scan into the field above")).to_be_visible()
    asked_again: list[str] = []
    page.on("dialog", lambda dialog: (asked_again.append(dialog.type), dialog.accept()))
    page.reload()
    expect(page.get_by_text("Drag a scan into the field above")).to_be_visible()
    assert asked_again == []  # nothing would have been lost
    no_trace(page)


def test_the_about_page_shows_the_card_and_its_limits(page: Page) -> None:
    page.get_by_role("link", name="About").click()
    expect(page.get_by_role("heading", name="Model card")).to_be_visible()
    expect(page.get_by_text("far too few").first).to_be_visible()
    expect(page.get_by_text(RESEARCH_USE_ONLY).first).to_be_visible()
    no_trace(page)
