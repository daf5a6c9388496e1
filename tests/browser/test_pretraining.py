"""Images without labels become an encoder that a cross-validation starts from, in the browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import running_app
from tests.browser.driving import downloaded, field, settled
from vmcore.data import StoredStudy


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1366, "height": 768}, accept_downloads=True)
    opened.set_default_timeout(90_000)
    yield opened
    opened.close()


@pytest.mark.long
@pytest.mark.timeout(600)
def test_from_a_study_to_an_encoder_to_fine_tune_from(
    tab: Page, phantom_study: StoredStudy, tmp_path: Path
) -> None:
    home, log, store = (tmp_path / name for name in ("home", "app.log", "store"))
    home.mkdir()
    shutil.copytree(phantom_study.folder, store / "studies/clinic")
    with running_app(home, log, store) as app:
        tab.goto(f"{app.url}/training?view=new")
        tab.get_by_text("Pretraining", exact=True).click()
        expect(tab.get_by_text(f"{len(phantom_study.table)} images", exact=True)).to_be_visible()
        tab.get_by_label("Network").first.click()
        tab.get_by_role("option", name="USF-MAE, tiny").click()
        field(tab, "Epochs", "2")
        field(tab, "Batch", "8")
        field(tab, "Name", "from phantoms")
        tab.get_by_role("button", name="Start", exact=True).click()
        expect(tab.get_by_role("heading", name="from phantoms")).to_be_visible(timeout=180_000)
        expect(tab.get_by_text("Above: the images.")).to_be_visible(timeout=180_000)
        expect(tab.get_by_text("finished · 2 of 2 epochs")).to_be_visible(timeout=180_000)
        expect(tab.get_by_text("After 2 epochs.")).to_be_visible()
        settled(tab)  # a run that has ended is drawn anew, its slider with it
        tab.get_by_role("slider").press("ArrowLeft")
        expect(tab.get_by_text("After 1 epoch.")).to_be_visible()
        taken = downloaded(tab, "Weights (.pth)")
        (kept,) = (store / "runs").glob("*/mae_usf-mae-tiny.pth")
        assert Path(taken.path()).read_bytes() == kept.read_bytes()
        tab.get_by_role("button", name="Fine-tune from this").click()
        expect(tab.get_by_text("The pretraining saw, without labels")).to_be_visible()
        expect(tab.get_by_role("combobox", name="Run", exact=True)).to_have_value(
            f"from phantoms · {kept.parent.name[:6]} (pretraining)"
        )
        settled(tab)
    assert "Traceback" not in log.read_text()
