"""How soon the app is there and answers, in a real browser: ``python -m benchmarks.start``.

Needs what the tests need (playwright and Chromium). A fresh app with an empty store is started, the
first page asked for, and a scan dropped as soon as the field for it is seen. The reference is a Python
process that imports torch and streamlit and does nothing else, measured in turn in the same run.
"""

from __future__ import annotations

import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import cv2
import psutil
import tyro
from playwright.sync_api import Page, sync_playwright

from vmcore.data.phantom import make_phantom
from vmcore.files import write_atomically

_ROOT = Path(__file__).resolve().parent.parent
_SCANS = 6
_SETTLED_MS = 20_000  # until everything is warm and what was freed is given back
_LEFT_S = 60.0


@contextmanager
def fresh_app(store: Path) -> Iterator[tuple[str, psutil.Process]]:
    """A new app's address and process, which is ended with the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)],
        cwd=_ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "VMCORE_STORE": str(store)},
    )  # fmt: skip
    try:
        for _ in range(600):
            with suppress(OSError), urllib.request.urlopen(f"{url}/_stcore/health", timeout=1):
                break
            time.sleep(0.1)
        yield url, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(30)


def bare_import_s() -> float:
    """Seconds until a process has imported torch and streamlit."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import torch, streamlit"], check=True)
    return time.perf_counter() - start


def memory_mb(process: psutil.Process) -> float:
    """Resident memory of the app and its workers, MB; what they share is counted in each."""
    return sum(one.memory_info().rss for one in [process, *process.children(True)]) / 2**20


def drop(page: Page, scans: list[Path]) -> float:
    """Seconds from dropping scans to the verdict with its heatmap."""
    start = time.perf_counter()
    page.set_input_files("input[type=file]", [str(scan) for scan in scans])
    page.wait_for_selector(".heatmaplayer image", state="attached", timeout=120_000)
    return time.perf_counter() - start


def one_round(page_of: Callable[[], Page], scans: list[Path], folder: Path) -> dict[str, float]:
    """Start an app, ask for its first page, drop one scan, then all of them, and leave."""
    with fresh_app(folder / "store") as (url, process):
        page = page_of()
        start = time.perf_counter()
        page.goto(url)
        page.wait_for_selector("input[type=file]", state="attached", timeout=120_000)
        field = time.perf_counter() - start
        first = drop(page, scans[:1])
        page.close()
    with fresh_app(folder / "other") as (url, process):
        page = page_of()
        page.goto(url)
        page.wait_for_selector("input[type=file]", state="attached", timeout=120_000)
        page.wait_for_timeout(_SETTLED_MS)
        opened = memory_mb(process)
        drop(page, scans[:1])
        page.wait_for_timeout(_SETTLED_MS)
        with_one = memory_mb(process)
        drop(page, scans[1:])
        page.wait_for_timeout(_SETTLED_MS)
        with_all = memory_mb(process)
        page.close()
        time.sleep(_LEFT_S)
        left = memory_mb(process)
    return {
        "field_s": field, "first_verdict_s": first,
        "memory_first_page_mb": opened, "memory_one_scan_mb": with_one,
        "memory_each_further_scan_mb": (with_all - with_one) / (len(scans) - 1),
        "memory_a_minute_after_leaving_mb": left,
    }  # fmt: skip


def main(
    image: Path | None = None, rounds: int = 3, out: Path = Path("benchmarks/start.json")
) -> None:
    """Measure the start.

    Args:
        image: a scan, such as an HC18 image; phantoms of HC18's size without it.
        rounds: how often; the median counts.
        out: where the figures go.
    """
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        scans = [folder / f"{index}.png" for index in range(_SCANS)]
        for index, scan in enumerate(scans):
            drawn = make_phantom(8.0 + index, index, shape=(540, 800)).image
            scan.write_bytes(
                image.read_bytes() if image else cv2.imencode(".png", drawn)[1].tobytes()
            )
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        found: list[dict[str, float]] = []
        for index in range(rounds):
            reference = bare_import_s()
            one = one_round(
                lambda: browser.new_page(viewport={"width": 1366, "height": 768}),
                scans, folder / str(index),
            )  # fmt: skip
            found.append({"reference_s": reference, **one})
        browser.close()
    middle = {key: round(statistics.median(row[key] for row in found), 2) for key in found[0]}
    figures = {
        "scan": "the image given" if image else "phantoms, 800 x 540",
        "processor": platform.processor() or platform.machine(),
        **middle,
        "field_as_share_of_reference": round(middle["field_s"] / middle["reference_s"], 2),
    }
    write_atomically(out, json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    tyro.cli(main)
