"""A real browser on the real app: one server a session, watched for leaks."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.conftest import ROOT

UPLOAD_LIMIT_MB = 4
expect.set_options(timeout=90_000)  # milliseconds; a busy machine answers late, not wrongly
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass(frozen=True)
class Server:
    """A running app: its address, its log, the only folders it may write to, and its process."""

    url: str
    log: Path
    home: Path
    store: Path
    process: subprocess.Popen[bytes]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("home")
    log = tmp_path_factory.mktemp("log") / "app.log"
    with running_app(home, log, tmp_path_factory.mktemp("store")) as started:
        yield started


@contextmanager
def running_app(
    home: Path,
    log: Path,
    store: Path,
    named: Mapping[str, str] | None = None,
    more: Sequence[str] = (),
    port: int | None = None,
) -> Iterator[Server]:
    """Start the app, on a free port without one, with variables and options; it is ended with the block."""
    port = port or free_port()
    options = ["--server.port", str(port), "--server.maxUploadSize", str(UPLOAD_LIMIT_MB), *more]
    with log.open("ab") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", *options],
            cwd=ROOT, stdout=stream, stderr=subprocess.STDOUT,
            env=os.environ | {"HOME": str(home), "TMPDIR": str(home), "VMCORE_STORE": str(store)} | dict(named or {}),
        )  # fmt: skip
        try:
            wait_until_up(f"http://127.0.0.1:{port}/_stcore/health", process, log)
            yield Server(f"http://127.0.0.1:{port}", log, home, store, process)
        finally:
            process.terminate()
            process.wait(90)  # a busy machine takes its time to end what is loaded


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_up(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(240):
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.25)
    pytest.fail(f"The app did not start:\n{log.read_text()}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next((found for name in names if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("no Chromium is installed (apt-get install chromium)")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=CHROMIUM_OPTIONS)
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """A fresh session on the classify page."""
    opened = browser.new_page(viewport={"width": 1440, "height": 1200}, accept_downloads=True)
    opened.set_default_timeout(60_000)
    foreign: list[str] = []
    opened.on(
        "request", lambda request: foreign.append(request.url) if _leaves(request.url) else None
    )
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.goto(server.url)
    opened.wait_for_selector("input[type=file]", state="attached")
    yield opened
    opened.close()
    assert not foreign, "the browser asked other hosts"
    assert not errors, "the page raised in JavaScript"


def _leaves(url: str) -> bool:
    """Whether a request goes to another host than this machine."""
    parts = urlsplit(url)
    return parts.scheme in {"http", "https", "ws", "wss"} and parts.hostname != "127.0.0.1"
