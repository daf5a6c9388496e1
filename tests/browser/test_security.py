"""Attacks that need the real server or a real browser."""

from __future__ import annotations

import base64
import os
import re
import socket

import pytest
from playwright.sync_api import Page, expect
from pydicom import dcmread
from pydicom.filebase import DicomBytesIO

from tests.browser.conftest import Server
from tests.browser.scans import upload, wait_for_answer
from tests.imaging.test_reading import packaged

BEACON = "![x](http://127.0.0.1:9/beacon.png) **No sign** :green[No sign of ventriculomegaly]"


def handshake(server: Server, host: str) -> int:
    """The status of a WebSocket handshake as a page of that host would begin it."""
    port = int(server.url.rsplit(":", 1)[1])
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        "GET /_stcore/stream HTTP/1.1", f"Host: {host}:{port}", f"Origin: http://{host}:{port}",
        "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {key}", "", "",
    ]  # fmt: skip
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall("\r\n".join(lines).encode())
        return int(connection.recv(64).split()[1])


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 101),
        ("localhost", 101),
        ("evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("localhost.evil.example", 403),
    ],
)
def test_a_page_of_another_name_cannot_drive_the_app(
    server: Server, host: str, status: int
) -> None:
    assert handshake(server, host) == status


def test_text_of_a_file_is_drawn_as_text(page: Page) -> None:
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    dataset = dcmread(packaged("examples_palette.dcm"))
    dataset.Manufacturer, dataset.ManufacturerModelName = BEACON[:64], BEACON[64:]
    stream = DicomBytesIO()
    dataset.save_as(stream)
    upload(page, {"name": "scan.dcm", "mimeType": "", "buffer": stream.getvalue()})
    wait_for_answer(page)
    page.get_by_text("What was removed, and why").first.scroll_into_view_if_needed()
    expect(
        page.get_by_text(re.compile(r"!\[x\]\(http:\u2060//127.0.0.1:\u20609/bea")).first
    ).to_be_visible()
    assert not any("beacon" in url for url in asked)
    assert page.locator("img[alt=x], a[href*=beacon], a[href^=mailto]").count() == 0
