"""A reviewer's way through a model's results, in a real browser on real runs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from sklearn.metrics import roc_auc_score

from benchmarks.crowd import crowded_store
from tests.browser.conftest import Server, running_app
from tests.browser.driving import downloaded, settled
from tests.evaluation.support import table_of
from tests.runs.support import copied_store
from vmcore import RESEARCH_USE_ONLY
from vmcore.evaluation import OperatingPredictions, fold_table, operating_point, read_predictions
from vmcore.models import load_card
from vmcore.runs import BUNDLED, RunFolder, open_reviewed, open_store


@dataclass(frozen=True)
class Reviewable:
    """An app whose store holds two finished runs."""

    app: Server
    store: Path
    runs: tuple[RunFolder, RunFolder]


@pytest.fixture(scope="module")
def reviewable(two_runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reviewable]:
    home = tmp_path_factory.mktemp("home")
    store = tmp_path_factory.mktemp("results") / "store"
    first, second = copied_store(two_runs, store)
    log = home.parent / "results-app.log"
    with running_app(home, log, store) as app:
        yield Reviewable(app, store, (first, second))
    assert "Traceback" not in log.read_text()


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1500, "height": 1300}, accept_downloads=True)
    opened.set_default_timeout(60_000)
    yield opened
    assert "Traceback" not in opened.locator("body").inner_text()
    opened.close()


def figure(tab: Page, title: str) -> list[dict[str, Any]]:
    """A plot's data as the browser holds it."""
    held = tab.evaluate(
        """title => {
            for (const plot of document.querySelectorAll('.js-plotly-plot'))
                if (plot.layout.title?.text?.startsWith(title))
                    return JSON.stringify(plot.data.map(trace => ({
                        name: trace.name, text: trace.text,
                        x: Array.from(trace.x ?? []), y: Array.from(trace.y ?? [])})));
            return '[]';
        }""",
        title,
    )
    return json.loads(held)


def marked(tab: Page, title: str) -> tuple[float, float]:
    """Where the threshold's mark stands on a curve."""
    trace = next(
        (t for t in figure(tab, title) if str(t.get("name")).startswith("at the threshold")), None
    )
    return (trace["x"][0], trace["y"][0]) if trace else (-1.0, -1.0)


def cell(tab: Page, text: str) -> Locator:
    """Cells of tables; they are painted, and stand in the page for screen readers only."""
    return tab.locator("[role=gridcell]", has_text=text)


def test_results_are_there_from_the_first_start(tab: Page, server: Server) -> None:
    tab.goto(f"{server.url}/results")
    expect(tab.get_by_text(RESEARCH_USE_ONLY)).to_be_visible()
    expect(tab.get_by_text("5 folds summed")).to_be_visible()
    expect(tab.get_by_text("95 % intervals")).to_be_visible()
    tab.get_by_test_id("stDataFrame").first.hover()
    menu = tab.get_by_test_id("stElementToolbar").get_by_role("button")
    expect(menu.and_(tab.get_by_label("Search")).first).to_be_visible()
    assert not [one for one in menu.all() if "CSV" in (one.get_attribute("aria-label") or "")]
    tab.get_by_text("Published figures, for reference").click()
    expect(tab.get_by_text("Published: Deep Learning Analysis")).to_be_visible()
    cases = open_reviewed(BUNDLED).operating().cases("test")
    real = (cases.known["finding"] != "drawn").to_numpy()
    wide = cases.labels == 1
    auc = roc_auc_score(cases.labels[real], cases.probability[real])
    told = tab.get_by_text("are drawn phantoms")
    expect(told).to_contain_text(
        f"{(wide & ~real).sum()} of the {wide.sum()} with ventriculomegaly"
    )
    expect(told).to_contain_text(f"AUC {auc:.3f}")
    expect(tab.get_by_text("thick line: mean AUC")).to_be_visible()


def test_the_threshold_moves_number_matrix_and_point_together(tab: Page, server: Server) -> None:
    tab.goto(f"{server.url}/results")
    expect(tab.get_by_text("5 folds summed")).to_be_visible()
    kept = open_reviewed(BUNDLED).operating()
    assert_shown(tab, kept)
    slider = tab.get_by_role("slider", name="Threshold")
    settled(tab)
    slider.focus()
    for _ in range(5):
        slider.press("PageUp")
    expect(tab.get_by_text("moved by hand, to explore")).to_be_visible()
    moved = float(slider.get_attribute("aria-valuenow") or slider.input_value())
    assert moved > kept.threshold
    assert_shown(tab, kept.at(moved, "moved"))


def assert_shown(tab: Page, operating: OperatingPredictions) -> None:
    """Tiles, table, matrix and both curves' marks are those of this operating point."""
    cases = operating.cases("test")
    point = operating_point(cases, operating.threshold)
    recall = float((cases.probability >= operating.threshold)[cases.labels == 1].mean())
    tile = tab.get_by_test_id("stMetric").filter(has_text="Sensitivity")
    expect(tile).to_contain_text(f"{recall:.3f}")
    tab.wait_for_function(
        """([roc, pr]) => {
            const plots = [...document.querySelectorAll('.js-plotly-plot')];
            const at = title => plots.find(plot => plot.layout.title?.text?.startsWith(title));
            const near = (title, x) => Math.abs((at(title)?.data.at(-1).x[0] ?? 9) - x) < 1e-6;
            return near('ROC', roc) && near('Precision', pr) && at('Confusion');
        }""",
        arg=[point.false_rate, point.recall],
    )
    expect(tab.locator(".js-plotly-plot").get_by_text(f"{point.tp:,}", exact=True)).to_be_visible()
    assert marked(tab, "ROC") == pytest.approx((point.false_rate, point.recall))
    assert marked(tab, "Precision") == pytest.approx((point.recall, point.precision))
    text = figure(tab, "Confusion")[0]["text"]
    assert f"<b>{point.tp:,}</b>" in text[1][1]
    assert f"<b>{point.fp:,}</b>" in text[0][1]
    table = operating.predictions.table
    mean = fold_table(table[table["split"] == "test"], operating.threshold)[-2]
    expect(cell(tab, f"{100 * mean['recall']:.2f} ±").first).to_be_attached()


@pytest.mark.long
def test_cases_are_walked_through_by_keyboard(tab: Page, server: Server) -> None:
    tab.goto(f"{server.url}/results?view=cases")
    tab.get_by_text("true positives ·").click()
    expect(tab.get_by_text("1 of 48, the surest first")).to_be_visible()
    expect(tab.get_by_text("where the model looked")).to_be_visible()  # phantoms are drawn again
    settled(tab)
    tab.keyboard.press("n")
    expect(tab.get_by_text("2 of 48, the surest first")).to_be_visible()
    tab.keyboard.press("p")
    expect(tab.get_by_text("1 of 48, the surest first")).to_be_visible()
    tab.get_by_text("Gallery").click()
    expect(tab.get_by_role("button", name="Gallery PNG")).to_be_disabled()
    tab.get_by_text("I looked: no name is visible").click()
    expect(tab.get_by_role("button", name="Gallery PNG")).to_be_enabled()


def test_probabilities_are_mended_on_validation_and_worth_less_where_rare(
    tab: Page, server: Server
) -> None:
    tab.goto(f"{server.url}/results?view=probability")
    expect(tab.get_by_text("Predictive values (bands")).to_be_visible()
    assert len(figure(tab, "Reliability")) == 2
    tab.get_by_role("combobox", name="Calibration").click()
    tab.get_by_role("option", name="Platt scaling").click()
    expect(tab.get_by_text("Probabilities after platt scaling")).to_be_visible()
    tab.wait_for_function(
        """() => [...document.querySelectorAll('.js-plotly-plot')].some(plot =>
            plot.layout.title?.text === 'Reliability' && plot.data.length === 3)"""
    )


@pytest.mark.long
def test_a_models_threshold_is_chosen_and_kept(tab: Page, reviewable: Reviewable) -> None:
    run = reviewable.runs[0]
    tab.goto(f"{reviewable.app.url}/results?model={run.run_id}")
    expect(tab.get_by_text("Youden's index over the out-of-fold predictions").first).to_be_visible()
    tab.get_by_role("combobox", name="Threshold by").click()
    tab.get_by_role("option", name="specificity").click()
    expect(tab.get_by_text("specificity of at least 95.0%")).to_be_visible()
    tab.get_by_role("button", name="Keep").click()
    tab.get_by_role("button", name="Keep in the model").click()
    expect(tab.get_by_text("Say why; the reason is kept")).to_be_visible()
    settled(tab)
    tab.get_by_label("Why", exact=True).fill("fewer alarms")
    tab.get_by_label("Why", exact=True).press("Tab")
    tab.get_by_role("button", name="Keep in the model").click()
    expect(tab.get_by_text("The model has a new threshold.")).to_be_visible()
    bundle = next(reviewable.store.glob(f"artifacts/{run.run_id}/artifacts/bundle"))
    assert load_card(bundle).threshold_rule.startswith("specificity of at least 95.0%")


@pytest.mark.long
def test_two_models_are_compared_on_the_same_cases(tab: Page, reviewable: Reviewable) -> None:
    first, second = reviewable.runs
    tab.goto(
        f"{reviewable.app.url}/results?model={first.run_id}&view=compare&split=validation"
        f"&with={second.run_id}&with=bundled"
    )
    expect(tab.get_by_text("On the same cases")).to_be_visible()
    expect(tab.get_by_text("was judged on other images")).to_be_visible()
    expect(cell(tab, f"second · {second.run_id[:6]}").first).to_be_attached()
    expect(tab.get_by_text("Cases where it disagrees with")).to_be_visible()


@pytest.mark.long
def test_everything_can_be_taken_away(tab: Page, server: Server) -> None:
    tab.goto(f"{server.url}/results?view=take")
    caught = downloaded(tab, "Report (HTML)")
    text = Path(caught.path()).read_text()
    assert RESEARCH_USE_ONLY in text
    assert "TRIPOD+AI" in text
    caught = downloaded(tab, "Predictions (CSV)")
    table = pd.read_csv(caught.path())
    assert len(table) == 2460
    assert not table["image"].astype(str).str.contains("Patient").any()
    tab.get_by_role("button", name="Plots for print").click()
    expect(tab.get_by_role("button", name="12 pictures (ZIP)")).to_be_visible()


@pytest.mark.long
def test_predictions_from_elsewhere_are_judged_or_refused(tab: Page, server: Server) -> None:
    tab.goto(f"{server.url}/results")
    tab.get_by_role("button", name="Import").click()
    field = tab.get_by_test_id("stPopoverBody").locator("input[type=file]")
    wrong = {
        "label.csv": ("image,label,probability\na,cyst,0.2\n", "Line 2 has a label"),
        "range.csv": ("image,label,probability\na,0,7\n", "does not lie between 0 and 1"),
        "twice.csv": ("image,label,probability\na,0,0.1\na,0,0.1\n", "judged already"),
        "folds.csv": (
            "image,label,probability,fold\na,0,0.1,1\na,0,0.1,2\nb,1,0.9,1\n",
            "not judged",
        ),
        "empty.csv": ("", "no predictions"),
    }
    for name, (text, words) in wrong.items():
        field.set_input_files({"name": name, "mimeType": "text/csv", "buffer": text.encode()})
        expect(tab.get_by_test_id("stAlert").get_by_text(words)).to_be_visible()
    table = table_of(count=60)
    content = table.to_csv(index=False).encode()
    field.set_input_files({"name": "good.csv", "mimeType": "text/csv", "buffer": content})
    expect(tab.get_by_role("combobox", name="Model")).to_have_value("imported predictions")
    expect(tab.get_by_text("60 images of 30 subjects")).to_be_visible()
    assert len(read_predictions(table).cases("test")) == 60


def test_a_run_that_cannot_be_reviewed_says_why(tab: Page, reviewable: Reviewable) -> None:
    tab.goto(f"{reviewable.app.url}/results?model=nothing")
    expect(tab.get_by_text("There is no such run.")).to_be_visible()


@pytest.mark.long
def test_a_crowded_store_and_a_hundred_thousand_predictions_open_soon(
    browser: Browser, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    run_id = crowded_store(store)
    open_store.cache_clear()
    home = tmp_path / "home"
    home.mkdir()
    with running_app(home, tmp_path / "app.log", store) as app:
        opened = browser.new_page(viewport={"width": 1500, "height": 1300})
        opened.goto(f"{app.url}/about")  # the server has loaded its libraries
        expect(opened.get_by_role("heading", name="Model card")).to_be_visible()
        opened.get_by_role("link", name="Results").click()
        expect(opened.get_by_text("5 folds summed")).to_be_visible()
        start = time.perf_counter()
        opened.goto(f"{app.url}/results?model={run_id}")
        expect(opened.get_by_text("20,000 images of 10,000 subjects")).to_be_visible()
        expect(opened.get_by_text("5 folds summed")).to_be_visible()
        took = time.perf_counter() - start
        opened.close()
    assert took < 20  # generous, since machines that run tests are busy
