"""How much slower an answer is while a run trains on the same machine: ``python -m benchmarks.beside``.

The reference is the same answer without the run, measured right before it in the same process.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import tyro

from vmcore.data import prepare_study
from vmcore.data.phantom import OverlaySettings, make_phantom, write_png
from vmcore.files import write_atomically
from vmcore.imaging import clean_frame
from vmcore.inference import Classifier

_SUBJECTS = 24
_PAUSE_S = 0.3  # a person looks at the answer


def answer_ms(classifier: Classifier, image: npt.NDArray[np.uint8], seconds: float) -> float:
    """Median milliseconds from a frame to its verdict and heatmap."""
    taken, ends = [], time.monotonic() + seconds
    while time.monotonic() < ends:
        start = time.perf_counter()
        classifier.predict([clean_frame(image).image])
        taken.append(1e3 * (time.perf_counter() - start))
        time.sleep(_PAUSE_S)
    return statistics.median(taken)


def drawn_study(folder: Path) -> Path:
    """A prepared study of phantoms, large enough to train on for a while."""
    rows = []
    for subject in range(_SUBJECTS):
        wide = subject % 2 == 1
        path = f"{subject}.png"
        write_png(folder / path, make_phantom(15.0 if wide else 6.0, subject, shape=(200, 260)))
        rows.append((path, "ventriculomegaly" if wide else "normal", f"s{subject}"))
    table = pd.DataFrame(rows, columns=["path", "label", "subject_id"])
    table.to_csv(folder / "manifest.csv", index=False)
    return prepare_study(folder, folder / "study").folder


def main(seconds: float = 30.0, out: Path = Path("benchmarks/beside.json")) -> None:
    """Measure answers with and without a run of USF-MAE (ViT-B/16) beside them.

    Args:
        seconds: how long each is measured.
        out: where the figures go.
    """
    with tempfile.TemporaryDirectory() as name:
        os.environ["VMCORE_STORE"] = str(Path(name) / "store")
        from vmcore.runs import Plan, cancel_run, start_run, status  # noqa: PLC0415
        from vmcore.settings import settings  # noqa: PLC0415
        from vmcore.training import FinetuneSettings  # noqa: PLC0415

        settings.cache_clear()
        image = make_phantom(12.0, 1, shape=(540, 800), overlays=OverlaySettings()).image
        classifier = Classifier.load(settings().bundle)
        answer_ms(classifier, image, 5.0)
        alone = answer_ms(classifier, image, seconds)
        plan = Plan(
            name="beside", study=drawn_study(Path(name)), folds=2,
            settings=FinetuneSettings(epochs=1000, batch_size=16),
        )  # fmt: skip
        folder = start_run(plan)
        try:
            while (stands := status(folder)).epochs[0] < 1:
                if stands.state == "failed":
                    raise RuntimeError(stands.reason)
                time.sleep(1.0)
            beside = answer_ms(classifier, image, seconds)
        finally:
            cancel_run(folder.run_id)
    figures = {
        "processor": platform.processor() or platform.machine(),
        "alone_ms": round(alone, 1),
        "beside_a_run_ms": round(beside, 1),
        "slower_by": round(beside / alone, 2),
    }
    write_atomically(out, json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    tyro.cli(main)
