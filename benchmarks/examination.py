"""A whole examination and a loop, from drop to last answer: ``python -m benchmarks.examination``.

Sixty phantoms with burned-in text go through a session's background work (two at a time, as on the classify
page), and through reading and judging one after the other; a loop's frames go through batches with its text
looked for once, and frame by frame, each as a picture of its own.
"""

from __future__ import annotations

import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import tyro

from pages.parts.uploaded_scan import Models
from pages.parts.uploads import DroppedFile, UploadBudget, Uploads
from vmcore.anatomy import AnatomyModel
from vmcore.data.phantom import OverlaySettings, make_phantom, write_dicom
from vmcore.files import write_atomically
from vmcore.imaging import ReadLimits, Scan, read_sandboxed
from vmcore.inference import Classifier, LoopReader, analyse
from vmcore.settings import settings

_SHAPE = (540, 800)
_BATCH = 8


def seconds(work: Callable[[], object]) -> float:
    """How long a piece of work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def examination(files: list[bytes], models: Models) -> tuple[float, float, float]:
    """Seconds to the first and to the last answer of a session, and one file after the other."""
    uploads = Uploads(ReadLimits(), UploadBudget(len(files), 1200, 4000))
    start = time.perf_counter()
    uploads.sync(
        [DroppedFile(str(at), "scan.dcm", partial(bytes, data)) for at, data in enumerate(files)]
    )
    uploads.judge(models)
    uploads.judge_now(uploads.files[0])
    first = time.perf_counter() - start
    uploads.work.wait()
    last = time.perf_counter() - start
    if len(uploads.results(models.classifier)) != len(files):
        raise RuntimeError("Not every scan was judged.")
    alone = seconds(
        lambda: [
            analyse(
                read_sandboxed(data), models.classifier, anatomy_model=models.anatomy
            )
            for data in files
        ]
    )  # fmt: skip
    return first, last, alone


def loop(frames: int, models: Models) -> tuple[float, float]:
    """Seconds for a loop in batches and frame by frame; the latter by every tenth frame, times ten."""
    widths = np.linspace(6, 15, 10)
    drawn = [
        make_phantom(float(width), 1, shape=_SHAPE, overlays=OverlaySettings()) for width in widths
    ]
    pictures = np.stack([drawn[at * len(drawn) // frames].image for at in range(frames)])
    scan = Scan(pictures, drawn[0].spacing_mm, None, drawn[0].region, kind="DICOM")
    reader = LoopReader(scan, models.classifier, models.anatomy)
    batched = seconds(
        lambda: [
            reader.answer(range(at, min(at + _BATCH, frames))) for at in range(0, frames, _BATCH)
        ]
    )
    some = range(0, frames, 10)
    alone = seconds(
        lambda: [
            analyse(
                scan, models.classifier, frame=at, heatmap=None, anatomy_model=models.anatomy
            )
            for at in some
        ]
    )  # fmt: skip
    return batched, alone * frames / len(some)


def main(
    images: int = 60, frames: int = 200, out: Path = Path("benchmarks/examination.json")
) -> None:
    """Measure both, after one picture that warms everything up.

    Args:
        images: of the examination.
        frames: of the loop.
        out: where the figures go.
    """
    models = Models(Classifier.load(settings().bundle), AnatomyModel.load())
    with tempfile.TemporaryDirectory() as name:
        files = [
            write_dicom(
                Path(name) / "scan.dcm",
                make_phantom(5 + at % 10, at, shape=_SHAPE, overlays=OverlaySettings()),
            ).read_bytes()
            for at in range(images)
        ]
    analyse(read_sandboxed(files[0]), models.classifier, anatomy_model=models.anatomy)
    first, last, alone = examination(files, models)
    batched, each = loop(frames, models)
    figures = {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "examination": {
            "images": images,
            "first_answer_s": round(first, 2),
            "last_answer_s": round(last, 1),
            "one_after_the_other_s": round(alone, 1),
            "times_as_fast": round(alone / last, 2),
        },
        "loop": {
            "frames": frames,
            "batches_s": round(batched, 1),
            "frame_by_frame_s": round(each, 1),
            "times_as_fast": round(each / batched, 2),
        },
    }
    write_atomically(out, json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    tyro.cli(main)
