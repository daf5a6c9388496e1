"""What every browser test does to a page: wait until it stands still, fill a field, take an example, take a file."""

from __future__ import annotations

import re

from playwright.sync_api import Download, Locator, Page, expect


def settled(page: Page) -> None:
    """Wait until the page's last run is over and all that it draws is there."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def field(page: Page, name: str, value: str) -> None:
    settled(page)  # a field that is drawn anew takes nothing from the one that stood there before
    box = page.get_by_label(name, exact=True)
    box.fill(value)
    box.press("Enter")
    settled(page)
    expect(box).to_have_value(value)


def toggle_example(page: Page, name: str) -> None:
    """Add a bundled scan, or take it away again."""
    settled(page)  # the examples move to the side when a scan is there, and are in both until then
    page.get_by_text(name).click()


def downloaded(page: Page, button: str | re.Pattern[str] | Locator) -> Download:
    """The file that a button gives.

    A run that draws the button anew revokes the file which the browser's button still stands for, so
    a click is for a page at rest.
    """
    if not isinstance(button, Locator):
        button = page.get_by_role("button", name=button)
    settled(page)
    with page.expect_download() as caught:
        button.click()
    return caught.value
