"""A researcher's way: a folder becomes a study, a run, a model in use; the app restarts midway."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Server, running_app
from tests.browser.driving import field, settled, toggle_example
from tests.conftest import SHARED
from tests.runs.support import draw_study
from vmcore import RESEARCH_USE_ONLY

PRIMARY = "stBaseButton-primary"


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1440, "height": 1200})
    opened.set_default_timeout(90_000)
    yield opened
    opened.close()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """One real fetal brain a subject where they are present, phantoms elsewhere."""
    real, place = SHARED / "fetal-brain-abnormalities", tmp_path / "scans"
    (place / "images").mkdir(parents=True)
    if not real.is_dir():
        return draw_study(place, subjects=24)
    table = (
        pd.read_csv(real / "manifest.csv").drop_duplicates("subject_id").groupby("label").head(12)
    )
    table.to_csv(place / "manifest.csv", index=False)
    for path in table["path"]:
        shutil.copyfile(real / path, place / path)
    return place


def prepare(tab: Page, source: Path) -> None:
    tab.get_by_role("button", name="Prepare and check").wait_for()
    tab.get_by_label("Folder or manifest on this machine", exact=True).fill(str(source))
    tab.get_by_label("Name of the study", exact=True).fill("brains")
    tab.get_by_label("Labels to leave out", exact=True).fill("other")
    tab.get_by_role("button", name="Prepare and check").click()
    expect(tab.get_by_text("Every image, before and after cleaning")).to_be_visible(timeout=600_000)
    expect(tab.get_by_text("what the model sees")).to_be_visible()


def start(tab: Page, epochs: int = 3, folds: int = 2, *, seen: bool = False) -> None:
    tab.get_by_text("New run").first.click()
    tab.get_by_test_id(PRIMARY).wait_for()
    tab.get_by_label("Network").first.click()
    tab.get_by_role("option", name="USF-MAE, tiny").click()
    expect(tab.get_by_role("combobox", name="Starts from")).to_have_value("bundled")
    field(tab, "Epochs", str(epochs))
    field(tab, "Folds", str(folds))
    field(tab, "Name", "first try")
    if seen:
        expect(tab.get_by_text("The bundled model has learnt from")).to_be_visible()
        tab.get_by_text("Go on with weights that have seen these images").click()
        settled(tab)
    tab.get_by_test_id(PRIMARY).click()
    expect(tab.get_by_role("heading", name="first try")).to_be_visible(timeout=180_000)


def review(tab: Page) -> None:
    tab.get_by_role("link", name="Review the results").click()
    expect(tab.get_by_text("As in the paper's Table 3")).to_be_visible()
    expect(tab.get_by_role("combobox", name="Model")).to_have_value(re.compile("first try"))
    tab.get_by_text("Cases", exact=True).click()
    expect(
        tab.get_by_text("where the model looked")
    ).to_be_visible()  # the run's own images are here


@pytest.mark.long
@pytest.mark.timeout(900)
def test_from_a_folder_to_a_model_in_use(tab: Page, source: Path, tmp_path: Path) -> None:
    home, log, store = (tmp_path / name for name in ("home", "app.log", "store"))
    home.mkdir()
    with running_app(home, log, store) as app:
        tab.goto(f"{app.url}/training?view=studies")  # the first page that this app is asked for
        expect(tab.get_by_text(RESEARCH_USE_ONLY)).to_be_visible()
        prepare(tab, source)
        real = (
            SHARED / "fetal-brain-abnormalities"
        ).is_dir()  # the bundled model has learnt from those
        start(tab, seen=real)
        expect(tab.get_by_text("of 6 epochs in 2 folds").first).to_be_visible()
        shown = tab.url.split("?")[1]
        tab.reload()
        expect(tab.get_by_role("heading", name="first try")).to_be_visible()
    with running_app(home, log, store) as app:  # restarted while the run goes on
        tab.goto(f"{app.url}/training?{shown}")
        expect(tab.get_by_text("finished · 6 of 6 epochs")).to_be_visible(timeout=600_000)
        expect(tab.get_by_text("Test, by fold")).to_be_visible()
        review(tab)
        tab.goto(f"{app.url}/training?{shown}")
        tab.get_by_label("Your name", exact=True).fill("R. Esearcher")
        tab.get_by_label("Why", exact=True).fill("a test of the way through")
        tab.get_by_role("button", name="Promote").click()
        expect(tab.get_by_text("answers from now on")).to_be_visible()
        tab.get_by_role("link", name="Classify").click()
        toggle_example(tab, "3 wide")
        expect(tab.get_by_text("Answered by first try")).to_be_visible()
        tab.get_by_role("link", name="Training").click()
        tab.get_by_text("In use on the classify page: first try").click()
        settled(tab)
        tab.get_by_role("button", name="Roll back").click()
        tab.get_by_role("button", name="Yes, roll back").click()
        expect(tab.get_by_text("VentriScope bundled model (USF-MAE tiny)").first).to_be_visible()
    assert "Traceback" not in log.read_text()
    kept = [path for path in [store, *store.rglob("*")] if not path.is_symlink()]
    assert not [path for path in kept if path.stat().st_mode & 0o077]  # its owner's alone


def test_what_is_wrong_with_data_is_said_on_the_page(
    tab: Page, server: Server, tmp_path: Path
) -> None:
    cases = {
        "none.csv": (None, "There is no folder"),
        "columns.csv": ("path,label\na.png,normal\n", "lacks the column subject_id"),
        "labels.csv": ("path,label,subject_id\na.png,maybe,1\n", "neither normal nor"),
        "gone.csv": ("path,label,subject_id\na.png,normal,1\n", "1 of 1 listed images"),
        "empty.csv": ("path,label,subject_id\n", "lists no image"),
        "binary.csv": ("\x00\x01", "manifest"),
    }
    tab.goto(f"{server.url}/training?view=studies")
    for name, (text, words) in cases.items():
        if text is not None:
            (tmp_path / name).write_text(text)
        box = tab.get_by_label("Folder or manifest on this machine", exact=True)
        box.fill(str(tmp_path / name))
        tab.get_by_label("Name of the study", exact=True).fill("wrong")
        tab.get_by_role("button", name="Prepare and check").click()
        expect(tab.get_by_test_id("stAlert").get_by_text(words)).to_be_visible()
    assert not (server.store / "studies").exists()
    assert "Traceback" not in server.log.read_text()
