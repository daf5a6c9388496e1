"""Callipers by hand in a real browser: exact clicks give the width, also where pixels are not square."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.anatomy.test_hand import squeezed
from tests.browser.driving import downloaded, settled
from tests.browser.scans import no_trace, upload, wait_for_answer
from vmcore.data.phantom import make_phantom, write_dicom, write_png
from vmcore.imaging import clean_frame, read_scan


def measuring(page: Page) -> Locator:
    page.get_by_role("radio", name="Measure").click()
    picture = page.locator("svg[role=application]")
    expect(picture).to_be_visible()
    return picture


def click_pixel(
    page: Page,
    picture: Locator,
    row: float,
    column: float,
    button: Literal["left", "right"] = "left",
) -> None:
    """Click the middle of a pixel of the cleaned picture."""
    x, y = picture.evaluate(
        """(svg, [row, column]) => {
            const point = new DOMPoint(column + 0.5, (row + 0.5) * svg.dataset.aspect).matrixTransform(svg.getScreenCTM());
            return [point.x, point.y];
        }""",
        [row, column],
    )
    page.mouse.click(x, y, button=button)


def test_exact_clicks_on_pixels_that_are_not_square(page: Page, tmp_path: Path) -> None:
    phantom = squeezed(make_phantom(7.5, 4, shape=(420, 560)), 1.4)
    path = write_dicom(tmp_path / "scan.dcm", phantom)
    read = read_scan(path)
    clean = clean_frame(read.frames[0], region=read.region)
    upload(page, path)
    wait_for_answer(page)
    picture = measuring(page)
    shown = picture.evaluate("svg => svg.viewBox.baseVal.height / svg.viewBox.baseVal.width")
    assert shown == pytest.approx(1.4 * clean.image.shape[0] / clean.image.shape[1], rel=0.01)
    page.get_by_role("button", name="Enlarge").click()
    page.get_by_role("button", name="Whole picture").click()
    place = picture.bounding_box()
    for end in phantom.atrium:  # neither another button nor a click in the same place is an end
        row, column = np.subtract(end, clean.offset)
        click_pixel(page, picture, row, column, button="right")
        click_pixel(page, picture, row, column)
        click_pixel(page, picture, row, column)
        for far in (30, 300):  # short and long widths are told in the same room
            page.mouse.move(place["x"] + far, place["y"] + far)
            assert picture.bounding_box() == place
    told = page.get_by_text("By hand ").first
    expect(told).to_be_visible()
    width = float(re.search(r"By hand ([\d.]+) mm", told.inner_text())[1])  # type: ignore[index]
    assert width == pytest.approx(7.5, abs=0.5)
    page.get_by_role("button", name=re.compile("^End 2")).focus()
    for _ in range(40):
        page.keyboard.press("ArrowDown")
    expect(page.locator("h3").first).to_contain_text("Look again")  # nobody's width any more
    caught = downloaded(page, "Results CSV")
    table = pd.read_csv(Path(caught.path()))
    assert float(table["hand_widths"][0].removesuffix(" mm")) > width + 4
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("radio", name="Cleaned").click()
    expect(page.locator(".scatterlayer .js-line").first).to_be_attached()
    no_trace(page)


@pytest.mark.long
def test_a_known_distance_gives_millimetres_to_a_picture_without(
    page: Page, tmp_path: Path
) -> None:
    upload(page, write_png(tmp_path / "scan.png", make_phantom(7.0, 3, shape=(420, 560))))
    wait_for_answer(page)
    picture = measuring(page)
    page.get_by_role("button", name="Known distance").click()
    click_pixel(page, picture, 200, 100)
    click_pixel(page, picture, 200, 300)
    settled(page)
    field = page.get_by_label("The known distance, in mm")
    field.fill("40,0")
    field.press("Enter")
    click_pixel(page, picture, 100, 250)
    click_pixel(page, picture, 150, 250)
    expect(page.get_by_text("By hand 10.0 mm")).to_be_visible()
    expect(page.get_by_text("by a distance set by hand")).to_be_visible()
    page.get_by_role(
        "button", name="Known distance"
    ).click()  # another one, of which nobody told the length
    click_pixel(page, picture, 250, 120)
    click_pixel(page, picture, 250, 320)
    expect(page.get_by_text("By hand 50.0 pixels")).to_be_visible()
    settled(page)
    expect(page.get_by_label("The known distance, in mm")).to_have_value("")
    no_trace(page)
