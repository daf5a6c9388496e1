"""A store of its own and a small study of phantoms, for everything that runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from vmcore.data import StoredStudy, prepare_study
from vmcore.data.phantom import make_phantom, write_png
from vmcore.runs import Plan, RunFolder, RunStatus, status
from vmcore.training import FinetuneSettings


def draw_study(root: Path, subjects: int = 16) -> Path:
    """Phantoms of both classes, one or two a subject, with a manifest."""
    rows = []
    for subject in range(subjects):
        wide = subject % 2 == 1
        for image in range(1 + subject % 3 // 2):
            phantom = make_phantom(15.0 if wide else 6.0, 50 * subject + image, shape=(200, 260))
            write_png(root / f"images/{subject}-{image}.png", phantom)
            label = "ventriculomegaly" if wide else "normal"
            rows.append((f"images/{subject}-{image}.png", label, f"s{subject}"))
    table = pd.DataFrame(rows, columns=["path", "label", "subject_id"])
    table.to_csv(root / "manifest.csv", index=False)
    return root


def small_study(folder: Path) -> StoredStudy:
    """A prepared study."""
    source = folder / "source"
    (source / "images").mkdir(parents=True)
    return prepare_study(draw_study(source), folder / "study", workers=2)


def small_plan(study: Path, /, **changes: object) -> Plan:
    """Two folds of two epochs of the smallest network from the bundled weights."""
    settings = {"epochs": 2, "batch_size": 8, "learning_rate": 1e-4}
    own = {key: changes.pop(key) for key in list(changes) if key in FinetuneSettings.model_fields}
    options: dict[str, object] = {
        "name": "small",
        "study": study,
        "architecture": "usf-mae-tiny",
        "folds": 2,
    }
    options |= {"weights": "bundled", "settings": FinetuneSettings(**{**settings, **own})}
    return Plan(**{**options, **changes})


def wait_for(folder: RunFolder, *states: str, seconds: float = 120) -> RunStatus:
    """Wait until a run is in one of these states."""
    return wait_until(folder, lambda stands: stands.state in states, seconds)


def wait_until(
    folder: RunFolder, wanted: Callable[[RunStatus], bool], seconds: float = 120
) -> RunStatus:
    """Wait until a run's status is as wanted."""
    ends = time.monotonic() + seconds
    while True:
        stands = status(folder)
        if wanted(stands):
            return stands
        assert time.monotonic() < ends, f"{stands}\n{folder.tail()}"
        time.sleep(0.05)
