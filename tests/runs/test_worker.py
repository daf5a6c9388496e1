"""What a worker does where something changes or fails between two steps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from tests.runs.support import finished_run, small_plan, small_study
from vmcore.data import StoredStudy, prepared_path
from vmcore.runs import RunError, RunFolder, control, open_store, start_run, worker
from vmcore.runs.lineage import find_starts
from vmcore.runs.weights import refuse_changed_start
from vmcore.training import make_fabric


@pytest.fixture(autouse=True)
def no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs are started without a worker; the tests are it."""
    monkeypatch.setattr(control, "start_work", lambda _: None)


def test_weights_that_were_overwritten_while_a_run_waited_are_refused(
    phantom_study: StoredStudy, store: Path
) -> None:
    parent = finished_run(small_plan(phantom_study.folder, name="parent"))
    plan = small_plan(phantom_study.folder, name="child", weights=f"run:{parent.run_id}")
    child = start_run(plan)
    starts = find_starts(plan, phantom_study, plan.splits(phantom_study))
    changed = parent.fold(starts[0].former_fold) / "best.safetensors"
    save_file({name: values + 0.01 for name, values in load_file(changed).items()}, changed)
    refuse_changed_start(child, plan, starts[1], 2)
    with pytest.raises(RunError, match="have changed since it was started"):
        worker.work(child, make_fabric("32-true", "cpu"), only=1)


def test_a_study_that_changes_while_it_is_read_is_not_learnt_from(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = small_study(tmp_path)
    run = start_run(small_plan(study.folder))
    read = StoredStudy.images

    def changing(stored: StoredStudy) -> object:
        first, second = (
            prepared_path(stored.folder / "prepared", at) for at in stored.table["path"][:2]
        )
        first.write_bytes(second.read_bytes())
        return read(stored)

    monkeypatch.setattr(StoredStudy, "images", changing)
    with pytest.raises(RunError, match="has changed since this run was started"):
        worker.work(run, make_fabric("32-true", "cpu"))


@pytest.mark.long
def test_an_epoch_whose_figures_could_not_be_written_is_in_the_curves_afterwards(
    phantom_study: StoredStudy, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start_run(small_plan(phantom_study.folder, epochs=3))
    write = RunFolder.write_history

    def full(folder: RunFolder, part: str, history: list[object]) -> None:
        if len(history) == 2:
            raise OSError(28, "No space left on device")
        write(folder, part, history)

    fabric = make_fabric("32-true", "cpu")
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "write_history", full)
        with pytest.raises(OSError, match="No space"):
            worker.work(run, fabric, only=1)
    assert len(json.loads((run.fold(1) / "history.json").read_text())) == 1
    worker.work(run, fabric, only=1)
    history = run.history(1)
    assert [result.epoch for result in history] == [0, 1, 2]
    told = open_store(store).client.get_metric_history(run.run_id, "fold_1.train_loss")
    steps = {metric.step: metric.value for metric in told}
    assert steps == pytest.approx({result.epoch: result.train_loss for result in history})
