"""What browser tests do on the classify page: upload scans, wait for an answer, go through the list."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect

VERDICTS = (
    "Atrial width", "Look again", "Ventriculomegaly suspected", "No sign of ventriculomegaly",
    "No verdict", "Too small to judge", "Undecided",
)  # fmt: skip


def upload(page: Page, *files: Path | dict[str, object]) -> None:
    page.set_input_files("input[type=file]", list(files))  # type: ignore[arg-type]


def wait_for_answer(page: Page) -> str:
    """Wait for verdict and panels; return the verdict's headline."""
    headline = page.locator("h3").first
    expect(headline).to_be_visible()
    expect(page.locator(".heatmaplayer image").first).to_be_attached()
    text = headline.inner_text()
    assert any(words in text for words in VERDICTS), text
    return text


def open_scan(page: Page, number: int) -> None:
    """Go through the list, once it is in its order, to this scan."""
    expect(page.get_by_text("Judged ")).to_have_count(0)
    here = page.get_by_text(re.compile(r"^Scan \d+: \d+ of \d+$"))
    previous, following = (page.get_by_role("button", name=name) for name in ("Previous", "Next"))
    for button in (previous, following):
        while not here.inner_text().startswith(f"Scan {number}:") and button.is_enabled():
            before = here.inner_text()
            button.click()
            expect(here).not_to_have_text(before)
    expect(here).to_contain_text(f"Scan {number}:")


def no_trace(page: Page) -> None:
    text = page.locator("body").inner_text()
    assert "Traceback" not in text
