"""What pages show while the registry, or Slurm, does not answer, in a real browser."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Server, running_app
from tests.runs.support import copied_store
from vmcore.runs import RunFolder, open_store, promote
from vmcore.settings import settings


@dataclass(frozen=True)
class Installed:
    """An app whose store holds two runs; the first one's model is in use."""

    app: Server
    store: Path
    runs: tuple[RunFolder, RunFolder]


@pytest.fixture(scope="module")
def installed(two_runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    home = tmp_path_factory.mktemp("home")
    store = tmp_path_factory.mktemp("silence") / "store"
    first, second = copied_store(two_runs, store)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VMCORE_STORE", str(store))
        patch.setenv("SLURM_CONF", str(home / "no-such.conf"))
        settings.cache_clear()
        promote(first.run_id, why="test")
        with running_app(home, home.parent / "silence-app.log", store) as app:
            yield Installed(app, store, (first, second))
    settings.cache_clear()
    open_store.cache_clear()


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1440, "height": 1200})
    opened.set_default_timeout(60_000)
    yield opened
    assert "Traceback" not in opened.locator("body").inner_text()
    opened.close()


@pytest.mark.long
def test_a_registry_that_is_silent_is_said_and_the_promoted_model_answers(
    tab: Page, installed: Installed
) -> None:
    with closing(sqlite3.connect(installed.store / "mlflow.db", isolation_level=None)) as other:
        other.execute("begin exclusive")
        tab.goto(installed.app.url)
        expect(tab.get_by_text("(first) goes on answering")).to_be_visible()
        tab.get_by_text("normal").first.click()
        expect(tab.get_by_text("Answered by first")).to_be_visible()
        tab.goto(f"{installed.app.url}/about")
        expect(tab.get_by_text("(first) goes on answering")).to_be_visible()
        tab.goto(f"{installed.app.url}/training")
        expect(tab.get_by_text("The run store")).to_be_visible()
        other.execute("rollback")
    for _ in range(60):  # it is asked again after a while
        tab.goto(f"{installed.app.url}/about")
        expect(tab.get_by_text("Licence").first).to_be_visible()
        if not tab.get_by_text("goes on answering").count():
            break
        tab.wait_for_timeout(1000)
    expect(tab.get_by_text("goes on answering")).to_have_count(0)
    expect(tab.get_by_text("first", exact=True)).to_be_visible()


@pytest.mark.long
def test_a_run_of_a_silent_slurm_is_unknown_and_left_alone(tab: Page, installed: Installed) -> None:
    run = installed.runs[1]
    content = (run.path / "finished.json").read_text()
    run.clear("finished.json")
    run.mark("job.json", json.dumps({"launcher": "slurm", "jobs": ["1"]}))
    try:
        tab.goto(f"{installed.app.url}/training?run={run.run_id}")
        expect(tab.get_by_text("Slurm does not answer")).to_be_visible()
        expect(tab.get_by_role("button", name="Stop")).to_be_visible()
        for name in ("Resume", "Delete"):
            expect(tab.get_by_role("button", name=name)).to_have_count(0)
    finally:
        run.mark("finished.json", content)
