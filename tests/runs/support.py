"""A store of its own and a small study of phantoms, for everything that runs."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

from vmcore.data import StoredStudy, label_numbers, load_study, numbered, prepare_study
from vmcore.data.phantom import make_phantom, write_dicom, write_png
from vmcore.models import create_classifier, write_learnt
from vmcore.runs import Plan, PretrainPlan, RunFolder, RunStatus, open_store, start_run, status
from vmcore.runs.case_images import note_images
from vmcore.runs.finishing import finish
from vmcore.runs.lineage import find_starts, learnt_by
from vmcore.runs.record import as_json
from vmcore.runs.weights import describe_start
from vmcore.settings import settings
from vmcore.training import (
    FinetuneSettings,
    LabelledImages,
    PretrainSettings,
    fold_predictions,
    make_fabric,
)


def draw_study(root: Path, subjects: int = 16, seed: int = 0, *, scaled: bool = False) -> Path:
    """Phantoms of both classes, one or two a subject, with a manifest; other ones by another seed.

    They are PNG; where they are to tell how large their pixels are, DICOM.
    """
    write, kind = (write_dicom, "dcm") if scaled else (write_png, "png")
    rows = []
    for subject in range(subjects):
        wide = subject % 2 == 1
        for image in range(1 + subject % 3 // 2):
            phantom = make_phantom(
                15.0 if wide else 6.0, 10_000 * seed + 50 * subject + image, shape=(200, 260)
            )
            path = f"images/{subject}-{image}.{kind}"
            write(root / path, phantom)
            label = "ventriculomegaly" if wide else "normal"
            rows.append((path, label, f"s{subject}"))
    table = pd.DataFrame(rows, columns=["path", "label", "subject_id"])
    table.to_csv(root / "manifest.csv", index=False)
    return root


def small_study(folder: Path, seed: int = 0) -> StoredStudy:
    """A prepared study; of other phantoms by another seed."""
    source = folder / "source"
    (source / "images").mkdir(parents=True)
    return prepare_study(draw_study(source, seed=seed), folder / "study", workers=2)


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


def pretraining(*studies: Path, **changes: object) -> PretrainPlan:
    """Two epochs of the smallest masked autoencoder on the images of studies."""
    own = {key: changes.pop(key) for key in list(changes) if key in PretrainSettings.model_fields}
    chosen = PretrainSettings(**{"epochs": 2, "batch_size": 8, **own})
    options = {"name": "unlabelled", "studies": studies, "architecture": "usf-mae-tiny"}
    return PretrainPlan(**{**options, "settings": chosen, **changes})


def kept_run(plan: Plan, run_id: str | None = None) -> RunFolder:
    """What a finished run keeps of its plan, splits, environment and images learnt from."""
    study = load_study(plan.study)
    splits = plan.splits(study)
    folder = RunFolder(settings().store / "runs" / (run_id or uuid4().hex))
    folder.mark("splits.csv", splits.table(study.table).to_csv(index=False))
    starts = find_starts(plan, study, splits)
    start = describe_start(plan, starts)
    folder.mark(
        "environment.json", as_json({"study_digest": study.digest, "starting_weights": start})
    )
    folder.mark("plan.json", plan.model_dump_json())
    note_images(folder, study)
    folder.mark("log.txt")
    for number, fold in enumerate(splits.folds, start=1):
        write_learnt(folder.fold(number), learnt_by(starts[number - 1], study, fold.train))
    folder.mark("finished.json", "{}")
    return folder


def finished_run(plan: Plan, seed: int = 0) -> RunFolder:
    """A run that is finished without having been trained: the bundled weights, shaken a little.

    What follows the training (predictions, figures, bundle, run store) is the real thing.
    """
    study = load_study(plan.study)
    splits = plan.splits(study)
    store = open_store(settings().store)
    folder = kept_run(plan, store.create(plan))
    known = LabelledImages(study.images(), label_numbers(study.table))
    state = load_file(settings().bundle / "fold-1.safetensors")
    generator = torch.Generator().manual_seed(seed)
    for number in range(1, plan.folds + 1):
        shaken = {
            key: (value.float() * (1 + 0.05 * torch.randn(value.shape, generator=generator)))
            for key, value in state.items()
        }
        model = create_classifier(plan.architecture, shaken, pooling=plan.pooling)
        save_file(model.state_dict(), folder.fold(number) / "best.safetensors")
        table = fold_predictions(
            model, study.table, known, splits, number, make_fabric("32-true", device="cpu")
        )
        table = numbered(table, study.table)
        table.to_csv(folder.fold(number) / "predictions.csv", index=False)
    finish(folder, study, splits, store)
    return folder


def store_with_two_runs(store: Path, study: StoredStudy) -> tuple[RunFolder, RunFolder]:
    """Two finished runs on one study, called first and second, in a store of their own."""
    with opened_store(store):
        first = finished_run(small_plan(study.folder, name="first"))
        second = finished_run(small_plan(study.folder, name="second"), seed=1)
    return first, second


@contextmanager
def opened_store(place: Path) -> Iterator[None]:
    """Make this the installation's store for a while, outside of a test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VMCORE_STORE", str(place))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        settings.cache_clear()
        open_store.cache_clear()
        yield
        settings.cache_clear()
        open_store.cache_clear()


def gone_through(place: Path, plan: Plan | PretrainPlan) -> None:
    """Have a run of this plan go through, in a store of its own."""
    with opened_store(place):
        folder = start_run(plan)
        stands = wait_for(folder, "finished", "failed")
        assert stands.state == "finished", folder.tail()


def copy_database(source: Path, target: Path) -> None:
    """Copy a SQLite database's whole content to where another one may be in use."""
    with closing(sqlite3.connect(source)) as from_, closing(sqlite3.connect(target)) as to:
        from_.backup(to)


def copied_store(template: Path, store: Path) -> tuple[RunFolder, ...]:
    """A copy of a store; returns its runs by their names."""
    shutil.copytree(template, store)
    runs = [RunFolder(path) for path in (store / "runs").iterdir()]
    return tuple(sorted(runs, key=lambda run: run.plan().name))


def wait_for(folder: RunFolder, *states: str, seconds: float = 240) -> RunStatus:
    """Wait until a run is in one of these states."""
    return wait_until(folder, lambda stands: stands.state in states, seconds)


def wait_until_gone(folder: RunFolder, pattern: str, seconds: float = 60) -> None:
    """Wait until a run that has ended has cleared such files away."""
    ends = time.monotonic() + seconds
    while left := list(folder.path.glob(pattern)):
        assert time.monotonic() < ends, left
        time.sleep(0.05)


def wait_until(
    folder: RunFolder, wanted: Callable[[RunStatus], bool], seconds: float = 240
) -> RunStatus:
    """Wait until a run's status is as wanted."""
    ends = time.monotonic() + seconds
    while True:
        stands = status(folder)
        if wanted(stands):
            return stands
        assert time.monotonic() < ends, f"{stands}\n{folder.tail()}"
        time.sleep(0.05)
