"""Signing in by OpenID Connect: the app, a provider, a browser between them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from oidc_provider_mock import User, run_server_in_thread
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Server, free_port, running_app
from tests.browser.test_roles import expect_pages

ROLES = '"ben@clinic.example" = ["review", "train"]\n"kim" = ["classify"]\n'
PEOPLE = (
    User(sub="1", claims={"email": "ben@clinic.example"}),
    User(sub="kim", claims={"email": "ben@clinic.example", "email_verified": False}),
    User(sub="eve", claims={"email": "eve@clinic.example"}),
)
SECRETS = """
[auth]
redirect_uri = "http://127.0.0.1:{port}/oauth2callback"
cookie_secret = "a secret of this test alone 0123456789"
client_id = "ventriscope"
client_secret = "said to the provider"
server_metadata_url = "{provider}/.well-known/openid-configuration"
"""


@pytest.fixture(scope="module")
def signing_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app that asks a provider who somebody is, set up as docs/deployment.md says."""
    place, port = tmp_path_factory.mktemp("login"), free_port()
    (place / "roles.toml").write_text(ROLES)
    with run_server_in_thread(user_claims=PEOPLE) as provider:
        secrets = place / ".streamlit" / "secrets.toml"
        secrets.parent.mkdir()
        address = f"http://127.0.0.1:{provider.server_port}"
        secrets.write_text(SECRETS.format(port=port, provider=address))
        named = {"VMCORE_LOGIN": "oidc", "VMCORE_ROLES": str(place / "roles.toml")}
        with running_app(place, place / "app.log", place / "store", named, port=port) as started:
            yield started


@pytest.fixture
def visitor(browser: Browser, signing_in: Server) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    page.goto(signing_in.url)
    yield page
    context.close()


def sign_in(page: Page, name: str) -> None:
    page.get_by_role("button", name="Sign in").click()
    page.locator("input[name=sub]").fill(name)
    page.get_by_role("button", name="Authorize", exact=True).click()


def test_who_signs_in_may_what_the_role_says_and_can_leave(visitor: Page) -> None:
    expect(visitor.locator("input[type=file]")).to_have_count(0)
    sign_in(visitor, "1")
    expect(visitor.get_by_text(re.compile("ben@\u2060?clinic.example"))).to_be_visible()
    expect_pages(visitor, "Results", "Training", "About")
    visitor.reload()
    expect_pages(visitor, "Results", "Training", "About")
    visitor.get_by_role("button", name="Sign out").click()
    visitor.get_by_role("button", name="End session").click()  # the provider's own question
    expect(visitor.get_by_role("button", name="Sign in")).to_be_visible()
    expect(visitor.get_by_test_id("stSidebarNavLink")).to_have_count(0)


def test_an_address_that_the_provider_does_not_vouch_for_names_nobody(visitor: Page) -> None:
    sign_in(visitor, "kim")  # with ben's address, unverified
    expect_pages(visitor, "Classify", "Worklist", "About")
    expect(visitor.get_by_text(re.compile("ben@"))).to_have_count(0)


def test_who_has_no_role_is_told_so(visitor: Page, signing_in: Server) -> None:
    sign_in(visitor, "eve")
    expect(visitor.get_by_text("has no role here")).to_be_visible()
    log = signing_in.log.read_text()
    assert "eve@clinic.example" not in log
    assert "Traceback" not in log
