"""What a long loop takes of memory, in a real browser: ``python -m benchmarks.loop_memory``.

Needs what the tests need (playwright and Chromium). Loops of 708 x 1016 pixels are made of phantoms with fresh
speckle: 900 frames as JPEG, and as many as a file of the largest allowed size holds without compression. Each is
dropped into a fresh app, all its frames are judged, then two at once in another one. Memory is the app's whole
process tree, what processes share counted once, above what it was before the drop. The reference is what
the decoded frames would take.
"""

from __future__ import annotations

import io
import json
import os
import platform
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import psutil
import tyro
from PIL import Image
from playwright.sync_api import Page, sync_playwright
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit

from benchmarks.start import fresh_app
from vmcore.data.phantom import OverlaySettings, make_phantom, write_dicom
from vmcore.files import write_atomically
from vmcore.imaging import ReadLimits

_SHAPE = (708, 1016)
_DRAWN = 6  # heads that the frames are made of
_SETTLED_MS = 60_000  # until everything is warm, and at rest again: what was freed is given back
_LEFT_S = 75.0
_JUDGED = """frames => {
    const said = document.body.innerText.match(/(\\d+) of (\\d+) frames/g) || [];
    const counts = said.map(words => words.match(/\\d+/g).map(Number)).filter(([, all]) => all === frames);
    return Math.max(0, ...counts.map(([done]) => done));
}"""
_LONGEST_MS, _LONGEST_S = 180_000, 1_500


def make_loop(path: Path, frames: int, *, jpeg: bool) -> Path:
    """Write a loop: heads with widening ventricles, noise of its own in each frame."""
    drawn = [
        make_phantom(6.0 + 1.5 * at, 1, shape=_SHAPE, overlays=OverlaySettings())
        for at in range(_DRAWN)
    ]
    rng = np.random.default_rng(1)
    dataset = dcmread(write_dicom(path, drawn[0]))

    def pictures() -> Iterator[bytes]:
        for at in range(frames):
            picture = drawn[at * _DRAWN // frames].image
            noise = rng.integers(-6, 7, _SHAPE, np.int16)[..., None]
            noisy = np.clip(picture + noise * (picture.max(2, keepdims=True) > 8), 0, 255)
            picture = noisy.astype(np.uint8)
            stream = io.BytesIO()
            if jpeg:
                Image.fromarray(picture).save(stream, "JPEG", quality=85)
            yield stream.getvalue() or picture.tobytes()

    dataset.NumberOfFrames = frames
    if jpeg:
        dataset.PixelData = encapsulate(list(pictures()), has_bot=False)
        dataset["PixelData"].is_undefined_length = True
        dataset.PhotometricInterpretation = "YBR_FULL_422"
        dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    else:
        dataset.PixelData = b"".join(pictures())
    dataset.save_as(path)
    return path


def memory_mb(process: psutil.Process) -> float:
    """Memory of a process and all below it, MB; what they share is counted once.

    Pages of files, such as libraries, are counted as the process with the most of them has them: whoever else
    on the machine runs the same libraries would change their share.
    """
    own, files = 0, [0]
    for one in [process, *process.children(recursive=True)]:
        with suppress(OSError, psutil.Error):
            lines = Path(f"/proc/{one.pid}/smaps_rollup").read_text().splitlines()[1:]
            told = {line.split(":")[0]: int(line.split()[1]) for line in lines}
            anonymous, shared = told["Pss_Anon"], told["Pss_Shmem"]
            own += anonymous + shared
            files.append(told["Rss"] - told["Anonymous"] - shared)
    return (own + max(files)) / 1024


@contextmanager
def watched(process: psutil.Process, peak: list[float]) -> Iterator[None]:
    """Note the most memory that there was meanwhile."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.15):
            peak[0] = max(peak[0], memory_mb(process))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def open_page(page: Page, url: str) -> None:
    """Go to the classify page."""
    page.goto(url)
    page.wait_for_selector("input[type=file]", state="attached", timeout=120_000)


def answer(pages: list[Page], loop: Path) -> float:
    """Seconds from the drop to the first answer on all pages."""
    start = time.perf_counter()
    for page in pages:
        page.set_input_files("input[type=file]", str(loop))
    for page in pages:
        page.wait_for_selector(".heatmaplayer image", state="attached", timeout=_LONGEST_MS)
    return time.perf_counter() - start


def judge(pages: list[Page], frames: int, judged: int) -> tuple[float, list[int]]:
    """Seconds until so many frames are judged on all pages, and how many were by then; the rest is stopped."""
    start = time.perf_counter()
    for page in pages:
        page.get_by_role("button", name="Judge all").click()
    done = [0]
    while min(done) < judged and time.perf_counter() - start < _LONGEST_S:
        pages[0].wait_for_timeout(500)
        done = [page.evaluate(_JUDGED, frames) for page in pages]
    if min(done) < judged:
        raise TimeoutError(f"Only {done} frames were judged in {_LONGEST_S} s.")
    seconds = time.perf_counter() - start
    if judged < frames:
        for page in pages:
            page.get_by_role("button", name="Stop").last.click()
            page.get_by_role("button", name="Judge the rest").wait_for(timeout=120_000)
    return seconds, done


def measure(
    pages: list[Page], loop: Path, frames: int, judged: int, store: Path
) -> dict[str, float | list[int]]:
    """Drop a loop on every page of a fresh app, have all frames judged, and leave."""
    answering, judging = [0.0], [0.0]
    with fresh_app(store) as (url, process):
        for page in pages:
            open_page(page, url)
        pages[0].wait_for_timeout(_SETTLED_MS)
        idle = memory_mb(process)
        with watched(process, answering):
            first = answer(pages, loop)
        with watched(process, judging):
            last, done = judge(pages, frames, judged)
        for page in pages:
            page.close()
        time.sleep(_LEFT_S)
        left = memory_mb(process)
    peak = max(answering[0], judging[0])
    decoded = 3 * _SHAPE[0] * _SHAPE[1] * frames * len(pages) / 2**20
    return {
        "loops": len(pages),
        "frames": frames,
        "file_mb": round(loop.stat().st_size / 2**20, 1),
        "idle_mb": round(idle),
        "peak_above_idle_mb": round(peak - idle),
        "until_first_answer_mb": round(answering[0] - idle),
        "while_judging_mb": round(judging[0] - idle),
        "share_of_decoded_frames": round((peak - idle) / decoded, 3),
        "above_idle_a_minute_after_leaving_mb": round(left - idle),
        "first_answer_s": round(first, 1),
        "judged_frames": done,
        "judged_s": round(last, 1),
        "frames_a_second": round(sum(done) / last, 2),
    }


def main(
    frames: int = 900,
    judged: int = 900,
    uncompressed: bool = True,
    two: bool = True,
    out: Path = Path("benchmarks/loop_memory.json"),
) -> None:
    """Measure both kinds of loops, one and two at once.

    Args:
        frames: of the JPEG loop.
        judged: how many of each loop's frames are waited for, at most.
        uncompressed: whether the other kind is measured too.
        two: whether two at once are measured.
        out: where the figures go.
    """
    most = ReadLimits().file_bytes // (3 * _SHAPE[0] * _SHAPE[1])
    kinds = {"jpeg": frames} | ({"uncompressed": min(most, frames)} if uncompressed else {})
    figures: dict[str, object] = {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "shape": list(_SHAPE),
    }
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        for kind, count in kinds.items():
            loop = make_loop(Path(name) / f"{kind}.dcm", count, jpeg=kind == "jpeg")
            for number in (1, 2) if two else (1,):
                pages = [
                    browser.new_page(viewport={"width": 1366, "height": 768}) for _ in range(number)
                ]
                store = Path(name) / f"{kind}-{number}"
                figures[f"{kind}_{number}"] = measure(pages, loop, count, min(judged, count), store)
                print(json.dumps(figures, indent=2), flush=True)
        browser.close()
    write_atomically(out, json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    tyro.cli(main)
