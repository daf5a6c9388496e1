"""Where an app may write during a day, who sits at its pages, and what is left when it is cut off."""

from __future__ import annotations

import os
import time
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from playwright.sync_api import Browser, BrowserContext, WebSocket

from tests.browser.conftest import Server, running_app
from tests.canaries import Canaries, Found, search
from tests.conftest import ROOT

SHARED_PLACES = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))
STUDY = "brains"
KEPT_BY_A_STUDY = {
    "manifest.csv": {"image", "subject", "referrer"},
    "anatomy.csv": {"image", "subject"},
    "study.json": {"image", "subject", "folder"},
    "source.json": {"folder"},
    "request.json": {"folder"},
}
"""What docs/data-format.md says that a study keeps; its prepared images bear their originals' names."""


@dataclass
class Day:
    """Where the app may write, and what is looked for there afterwards."""

    root: Path
    names: dict[str, str]
    began: float = field(default_factory=time.time)
    were: set[Path] = field(default_factory=set)

    def __post_init__(self) -> None:
        for name in ("home", "temporary", "cache", "downloads", "received", "files"):
            (self.root / name).mkdir()
        self.were = entries()

    @property
    def store(self) -> Path:
        """The app's store."""
        return self.root / "store"

    @property
    def log(self) -> Path:
        """What the app says, to both its outputs."""
        return self.root / "app.log"

    def running(self) -> AbstractContextManager[Server]:
        """Start the app with folders of its own."""
        home, temporary, cache = (self.root / name for name in ("home", "temporary", "cache"))
        named = {"TMPDIR": str(temporary), "XDG_CACHE_HOME": str(cache)}
        soon = ("--server.disconnectedSessionTTL", "2")  # seconds
        return running_app(home, self.log, self.store, named, soon)

    def written(self) -> list[Path]:
        """All that was written meanwhile, wherever anything could be."""
        own = [self.root / name for name in ("home", "temporary", "cache", "downloads")]
        return [*own, self.store, self.log, *(entries() - self.were), *changed(ROOT, self.began)]

    def leaks(self, canaries: Canaries, places: list[Path]) -> Found:
        """What is held where, without what a study keeps."""
        found = search(places, canaries)
        study = self.store / "studies" / STUDY
        for path in list(found):
            if path.is_relative_to(study):
                inside = path.relative_to(study).parts
                named = {"image", "subject"} if inside[:1] == ("prepared",) else set()
                found[path] -= KEPT_BY_A_STUDY.get("/".join(inside), named)
        return {path: held for path, held in found.items() if held}


def entries() -> set[Path]:
    """What lies where all programs of the machine write."""
    return {path for place in SHARED_PLACES if place.is_dir() for path in place.iterdir()}


def changed(root: Path, since: float) -> list[Path]:
    """Files of the project itself that were written since."""
    found = []
    for name, folders, files in os.walk(root):
        folders[:] = [one for one in folders if one not in {".git", ".venv"}]
        for path in (Path(name) / one for one in files):
            with suppress(OSError):
                found += [path] if path.stat().st_mtime >= since else []
    return found


class Person:
    """Somebody at the browser, and all that the app has sent to them."""

    def __init__(self, browser: Browser, contexts: list[BrowserContext], received: Path) -> None:
        self.received = received
        received.mkdir()
        self.context = browser.new_context(
            viewport={"width": 1440, "height": 1200}, accept_downloads=True,
            record_har_path=received / "http.zip", record_har_content="attach",
        )  # fmt: skip
        contexts.append(self.context)
        self.page = self.context.new_page()
        self.page.set_default_timeout(120_000)
        self.media: list[str] = []
        self.page.on("websocket", self._listen)
        self.page.on("request", lambda asked: self._note(asked.url))
        self.page.on("download", lambda file: self._note(file.url))

    def _note(self, url: str) -> None:
        if urlsplit(url.removeprefix("blob:")).path.startswith("/media/"):
            self.media.append(url)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", self._keep)

    def _keep(self, frame: str | bytes) -> None:
        with (self.received / "frames").open("ab") as stream:
            stream.write(frame if isinstance(frame, bytes) else frame.encode())

    def look(self) -> None:
        """Keep what the page holds now."""
        at = len(list(self.received.iterdir()))
        (self.received / f"{at}.html").write_text(self.page.content())

    def leave(self) -> Path:
        """Close the browser; returns all that it was sent."""
        self.context.close()
        return self.received


def crash(app: Server) -> None:
    """End the app as a power cut would; what it started to read files ends by itself."""
    started = psutil.Process(app.process.pid).children(recursive=True)
    app.process.kill()
    app.process.wait(60)
    _, alive = psutil.wait_procs(started, 60)
    for process in alive:
        process.kill()
    assert not alive
