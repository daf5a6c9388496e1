"""Who may come in and do what: two people at once, a wrong proxy, a token, an open address."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Server, running_app
from vmcore import RESEARCH_USE_ONLY

ROLES = """
"anna@clinic.example" = ["classify"]
"ben@clinic.example" = ["review", "train"]
"eve@clinic.example" = []
"""
NOTE_LINKS = """
    window.linksSeen = new Set();
    new MutationObserver(() => document.querySelectorAll('[data-testid=stSidebarNavLink]')
        .forEach(link => window.linksSeen.add(link.innerText.trim()))
    ).observe(document, {subtree: true, childList: true, characterData: true});
"""
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app behind a proxy that says who people are."""
    place = tmp_path_factory.mktemp("guarded")
    (place / "roles.toml").write_text(ROLES)
    named = {
        "VMCORE_LOGIN": "proxy", "VMCORE_PROXY_SECRET": "between-us-0123456789",
        "VMCORE_ROLES": str(place / "roles.toml"),
    }  # fmt: skip
    with running_app(place, place / "app.log", place / "store", named) as started:
        yield started


@pytest.fixture
def opened(browser: Browser, guarded: Server) -> Iterator[Open]:
    with ExitStack() as contexts:

        def visit(who: str, secret: str = "between-us-0123456789", path: str = "") -> Page:
            headers = {"X-Forwarded-User": who, "X-VentriScope-Proxy-Secret": secret}
            context = browser.new_context(extra_http_headers=headers)
            contexts.callback(context.close)
            page = context.new_page()
            page.goto(guarded.url + path)
            return page

        yield visit


def expect_pages(page: Page, *titles: str) -> None:
    """The sidebar's links lead to these pages and no others."""
    patterns = [re.compile(rf"{title}$") for title in titles]  # an icon's name stands before it
    expect(page.get_by_test_id("stSidebarNavLink")).to_have_text(patterns)


def test_two_people_with_different_roles_at_once(opened: Open) -> None:
    anna, ben = opened("anna@clinic.example"), opened("ben@clinic.example", path="/training")
    expect(anna.get_by_text(re.compile("anna@\u2060?clinic.example"))).to_be_visible()
    assert anna.locator("a[href^=mailto]").count() == 0
    expect_pages(anna, "Classify", "Worklist", "About")
    expect_pages(ben, "Results", "Training", "About")
    expect(ben.get_by_role("heading", name="Training")).to_be_visible()
    anna.goto(anna.url + "training")  # by its address too
    expect(anna.get_by_role("heading", name="Is the lateral ventricle wide?")).to_be_visible()
    expect(anna.get_by_role("heading", name="Training")).to_have_count(0)


@pytest.mark.parametrize(
    ("who", "secret", "said"),
    [
        ("ben@clinic.example", "guessed", "Nobody is signed in"),
        ("ben@clinic.example", "", "Nobody is signed in"),
        ("", "between-us-0123456789", "Nobody is signed in"),
        ("eve@clinic.example", "between-us-0123456789", "has no role here"),
        ("mallory@clinic.example", "between-us-0123456789", "has no role here"),
    ],
)
def test_who_is_not_known_sees_nothing(opened: Open, who: str, secret: str, said: str) -> None:
    page = opened(who, secret, "/training" if who else "")
    expect(page.get_by_text(said)).to_be_visible()
    expect(page.locator("input[type=file]")).to_have_count(0)
    expect(page.get_by_role("heading", name="Training")).to_have_count(0)


@contextmanager
def alone(tmp_path: Path, named: dict[str, str], *options: str) -> Iterator[Server]:
    with running_app(tmp_path, tmp_path / "app.log", tmp_path / "store", named, options) as started:
        yield started


def test_a_token_keeps_other_users_of_the_machine_out(browser: Browser, tmp_path: Path) -> None:
    with alone(tmp_path, {"VMCORE_TOKEN": "open-sesame-0123456789"}) as app:
        stranger = browser.new_page()
        stranger.add_init_script(NOTE_LINKS)
        for path in ("", "?token=guessed", "/training"):
            stranger.goto(app.url + path)
            expect(stranger.get_by_label("Token")).to_be_visible()
            expect(stranger.locator("input[type=file]")).to_have_count(0)
            seen = stranger.evaluate("[...window.linksSeen]")
            assert all(text.endswith("Sign in") for text in seen), (
                seen
            )  # no menu of all files first
        stranger.close()
        owner = browser.new_page()
        owner.goto(f"{app.url}?token=open-sesame-0123456789")
        owner.wait_for_selector("input[type=file]", state="attached")
        assert "open-sesame-0123456789" not in owner.url
        expect_pages(owner, "Classify", "Worklist", "Results", "Training", "Audit", "About")
        owner.close()
        assert "open-sesame-0123456789" not in (tmp_path / "app.log").read_text()


def test_an_open_address_without_a_login_is_refused(browser: Browser, tmp_path: Path) -> None:
    with alone(tmp_path, {}, "--server.address", "0.0.0.0") as app:
        page = browser.new_page()
        page.goto(app.url)
        expect(page.get_by_text("nobody has to sign in")).to_be_visible()
        expect(page.locator("input[type=file]")).to_have_count(0)
        page.close()


@pytest.mark.long
def test_all_who_come_first_get_the_frame(browser: Browser, tmp_path: Path) -> None:
    with alone(tmp_path, {}) as app:
        paths = ("/results", "/training", "/about", "/training?view=new")
        first = [browser.new_page() for _ in paths]
        for page, path in zip(first, paths, strict=True):
            page.goto(app.url + path, wait_until="commit")  # all at once
        for page in first:
            expect(page.get_by_text(RESEARCH_USE_ONLY).first).to_be_visible(timeout=180_000)
            expect(page.get_by_test_id("stSidebarNavLink")).to_have_count(6)
            page.close()
