"""A whole day's use, to a crash and a new start: no name outlives the session that brought it.

What a study keeps of its own images is written down in docs/data-format.md; nothing else may hold any
name, and nothing at all one that came with an upload or an imported table.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect
from rapidocr import RapidOCR

from tests.browser import marked
from tests.browser.conftest import Server
from tests.browser.day import Day, Person, crash
from tests.browser.driving import downloaded
from tests.browser.scans import open_scan, upload, wait_for_answer
from tests.browser.test_training import prepare, start
from tests.canaries import search
from vmcore.runs.processes import end_process


@pytest.fixture
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    place = tmp_path_factory.mktemp("day")  # a short path: Chromium's socket lies below it
    one = Day(place, marked.made_up())
    yield one
    for job in one.store.glob("*/*/job.json"):
        end_process(json.loads(job.read_text()))


@pytest.fixture
def contexts(browser: Browser) -> Iterator[list[BrowserContext]]:
    opened: list[BrowserContext] = []
    yield opened
    for context in opened:
        context.close()


def take(page: Page, name: str, day: Day) -> Path:
    """Press a button that gives a file, which must not be called after anybody."""
    download = downloaded(page, name)
    place = day.root / "downloads" / download.suggested_filename
    download.save_as(place)
    return place


@cache
def ocr() -> RapidOCR:
    return RapidOCR(params={"Global.log_level": "critical"})


def read(picture: bytes | Path) -> str:
    """Words that OCR reads in a picture."""
    content = picture if isinstance(picture, bytes) else picture.read_bytes()
    image = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    return " ".join(ocr()(image, use_cls=False).txts or ()).lower()


def hand_in(page: Page, app: Server, files: list[Path]) -> None:
    page.goto(app.url)
    page.wait_for_selector("input[type=file]", state="attached")
    upload(page, *files)
    expect(page.locator("h3").first).to_be_visible(timeout=240_000)  # the app's first answer
    wait_for_answer(page)


def classify(person: Person, app: Server, files: list[Path], day: Day) -> None:
    page = person.page
    hand_in(page, app, files)
    expect(page.get_by_role("alert").get_by_text("damaged or incomplete")).to_be_visible()
    stem = day.names["seen"].removesuffix("seen").lower()
    for number, file in ((1, None), (2, files[1])):
        open_scan(page, number)
        expect(
            page.get_by_role("checkbox")
        ).not_to_be_checked()  # another scan's, to be ticked anew
        page.get_by_text("I looked: no name is visible").click()
        picture = take(page, "Heatmap PNG", day)
        assert stem not in read(picture)
        if file is not None:
            assert stem in read(file)  # where nothing was cleaned, it can be read
    take(page, "Results CSV", day)


def review_a_table(person: Person, app: Server, table: Path, day: Day) -> None:
    page = person.page
    page.goto(f"{app.url}/results")
    page.get_by_role("button", name="Import").click()
    page.get_by_test_id("stPopoverBody").locator("input[type=file]").set_input_files(table)
    expect(page.get_by_role("combobox", name="Model")).to_have_value("imported predictions")
    page.keyboard.press("Escape")  # what the table was chosen in lies over the page
    page.get_by_text("Cases", exact=True).click()
    expect(page.get_by_text("the surest first")).to_be_visible()
    page.get_by_text("Take away", exact=True).click()
    take(page, "Report (HTML)", day)
    take(page, "Predictions (CSV)", day)


def review_a_run(page: Page, day: Day) -> None:
    page.get_by_role("link", name="Review the results").click()
    expect(page.get_by_text("As in the paper's Table 3")).to_be_visible()
    page.get_by_text("Cases", exact=True).click()
    expect(page.get_by_text("where the model looked")).to_be_visible()
    page.get_by_text("Take away", exact=True).click()
    take(page, "Report and tables (ZIP)", day)


def look_around(person: Person, app: Server, run: str) -> None:
    """Open every page but the study's own, which shows what the study is made of."""
    page = person.page
    shown = {
        "": "Drag a scan into the field above",
        "training?view=runs": "finished · 2 of 2 epochs",
        f"results?model={run}&view=figures": "As in the paper's Table 3",
        f"results?model={run}&view=cases": "where the model looked",
        "about": "Licence",
    }
    for address, words in shown.items():
        page.goto(f"{app.url}/{address}")
        expect(page.get_by_text(words).first).to_be_visible()
        person.look()


def gone(page: Page, addresses: list[str], seconds: float = 150) -> None:
    """Wait until none of these addresses has anything any more."""
    ends = time.monotonic() + seconds
    while left := [url for url in addresses if page.request.get(url).ok]:
        assert time.monotonic() < ends, left
        time.sleep(0.5)


def only(names: Mapping[str, str], *kinds: tuple[str, ...]) -> dict[str, str]:
    return {kind: names[kind] for some in kinds for kind in some}


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_no_name_is_left_of_a_whole_day(
    day: Day, browser: Browser, contexts: list[BrowserContext]
) -> None:
    files, pixels = marked.uploads(day.root / "files", day.names)
    source = marked.study(day.root / "files", day.names)
    table = marked.predictions(day.root / "files", day.names)
    brought = {**only(day.names, marked.IN_UPLOADS, marked.IN_TABLES), **pixels}
    everything = {**day.names, **pixels}
    assert search([day.root / "files"], everything)  # they are where they belong

    def person(who: str) -> Person:
        return Person(browser, contexts, day.root / "received" / who)

    with day.running() as app:
        anna = person("anna")
        classify(anna, app, files, day)
        review_a_table(anna, app, table, day)
        anna.leave()
        assert anna.media
        ben = person("ben")
        ben.page.goto(f"{app.url}/training?view=studies")
        prepare(ben.page, source)
        start(ben.page, epochs=1, folds=2)
        expect(ben.page.get_by_text("finished · 2 of 2 epochs")).to_be_visible(timeout=600_000)
        run = next((day.store / "runs").iterdir()).name
        review_a_run(ben.page, day)
        gone(ben.page, anna.media)
        received = [ben.leave()]
        assert day.leaks(brought, received) == {}
        assert search(received, only(day.names, marked.IN_STUDIES))  # his study's page shows them
        hand_in(person("cleo").page, app, files)
        crash(app)  # with scans in its memory
    assert day.leaks(everything, day.written()) == {}
    with day.running() as app:
        dora = person("dora")
        look_around(dora, app, run)
        gone(dora.page, [app.url + "/media/" + url.split("/media/")[1] for url in anna.media])
        assert day.leaks(everything, [dora.leave()]) == {}
    assert day.leaks(everything, day.written()) == {}
