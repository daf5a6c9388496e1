"""No run is judged on images that its weights have learnt from, unless it says so."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

import cv2
import pandas as pd
import pytest
import timm
import tyro

from tests.runs.support import finished_run, kept_run, small_plan, small_study, wait_for, wait_until
from train.crossval import CrossvalArguments
from vmcore.data import StoredStudy, fingerprint, load_study, prepared_path
from vmcore.models import Learnt, load_card
from vmcore.reporting.review import document, evaluate
from vmcore.runs import (
    Plan,
    RunFolder,
    SeenError,
    cancel_run,
    open_reviewed,
    open_store,
    provenance,
    resume_run,
    seen_by_start,
    start_run,
)
from vmcore.runs.lineage import find_starts, learnt_by_fold, seen_in_run
from vmcore.runs.start import Start
from vmcore.runs.weights import describe_start
from vmcore.settings import settings

OTHER_SPLIT = {"split_seed": 3}


@pytest.fixture
def copied(phantom_study: StoredStudy, tmp_path: Path) -> StoredStudy:
    """The same scans under another study's name."""
    shutil.copytree(phantom_study.folder, tmp_path / "another name")
    return load_study(tmp_path / "another name")


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> StoredStudy:
    """Other scans; not to be changed."""
    return small_study(tmp_path_factory.mktemp("elsewhere"), seed=1)


def pixel_hash(study: StoredStudy, row: int) -> str:
    """SHA-256 of a prepared picture as it lies on disk, read without this program."""
    file = prepared_path(study.folder / "prepared", study.table["path"][row])
    pixels = cv2.imread(str(file))[:, :, ::-1].transpose(2, 0, 1)
    return hashlib.sha256(pixels.tobytes()).hexdigest()


def known_by(study: StoredStudy, rows: Iterable[int]) -> set[str]:
    """What pictures are known again by: their pixels, and the files that they were made from."""
    files = [study.originals / study.table["path"][row] for row in rows]
    return {pixel_hash(study, row) for row in rows} | {
        hashlib.sha256(file.read_bytes()).hexdigest() for file in files
    }


def repaint(study: StoredStudy, row: int = 0) -> None:
    """Change the pixels of a prepared image and nothing else."""
    file = prepared_path(study.folder / "prepared", study.table["path"][row])
    pixels = cv2.imread(str(file))
    pixels[100:120] = 255 - pixels[100:120]
    cv2.imwrite(str(file), pixels)


def learnt_paths(run: RunFolder, study: StoredStudy, fold: int) -> set[str]:
    """What a fold has trained on, from its splits alone."""
    parts = pd.read_csv(run.path / "splits.csv", dtype=str)["part"]
    return set(study.table["path"][~parts.isin(["test", str(fold)])])


def judged_paths(plan: Plan, study: StoredStudy, fold: int) -> set[str]:
    splits = plan.splits(study)
    return set(study.table["path"].iloc[[*splits.folds[fold - 1].validation, *splits.test]])


def test_weights_that_saw_the_images_under_another_studys_name_are_refused(
    phantom_study: StoredStudy, copied: StoredStudy, store: Path
) -> None:
    run = kept_run(small_plan(phantom_study.folder))
    plan = small_plan(copied.folder, weights=f"run:{run.run_id}", **OTHER_SPLIT)
    judged = judged_paths(plan, copied, 1)
    seen = min(len(learnt_paths(run, phantom_study, fold) & judged) for fold in (1, 2))
    assert seen > 0
    with pytest.raises(SeenError) as refused:
        start_run(plan)
    assert f"{seen} of the {len(judged)} images that fold 1 would" in str(refused.value)
    assert "--accept-seen" in str(refused.value)
    assert seen_by_start(plan) == str(refused.value)
    assert [folder.name for folder in (store / "runs").iterdir()] == [run.run_id]


def test_the_same_split_under_another_name_takes_the_same_fold(
    phantom_study: StoredStudy, copied: StoredStudy, store: Path
) -> None:
    run = kept_run(small_plan(phantom_study.folder))
    plan = small_plan(copied.folder, weights=f"run:{run.run_id}")
    starts = find_starts(plan, copied, plan.splits(copied))
    assert [start.former_fold for start in starts] == [1, 2]
    assert [start.seen for start in starts] == [0, 0]


@pytest.mark.long
def test_what_an_ancestor_saw_is_remembered_over_two_hops(
    phantom_study: StoredStudy, copied: StoredStudy, elsewhere: StoredStudy, store: Path
) -> None:
    first = kept_run(small_plan(phantom_study.folder))
    between = kept_run(small_plan(elsewhere.folder, weights=f"run:{first.run_id}"))
    shutil.rmtree(first.path)  # the list goes with the weights, not with the run
    plan = small_plan(copied.folder, weights=f"run:{between.run_id}", **OTHER_SPLIT)
    with pytest.raises(SeenError, match=f"{between.run_id} has learnt from"):
        start_run(plan)
    third = small_study(store.parent / "third", seed=2)
    unrelated = small_plan(third.folder, weights=f"run:{between.run_id}")
    starts = find_starts(unrelated, third, unrelated.splits(third))
    assert [start.seen for start in starts] == [0, 0]


def test_of_another_runs_folds_the_first_that_saw_nothing_is_taken(
    elsewhere: StoredStudy, store: Path
) -> None:
    run = kept_run(small_plan(elsewhere.folder))
    plan = small_plan(elsewhere.folder, weights=f"run:{run.run_id}", folds=3)
    splits = plan.splits(elsewhere)
    for number in range(1, 4):
        judged = judged_paths(plan, elsewhere, number)
        saw = [len(learnt_paths(run, elsewhere, fold) & judged) for fold in (1, 2)]
        if 0 not in saw:
            with pytest.raises(SeenError, match=f"{min(saw)} of the {len(judged)}"):
                find_starts(plan, elsewhere, splits)
            accepted = plan.model_copy(update={"accept_seen": True})
            start = find_starts(accepted, elsewhere, splits)[number - 1]
            assert (start.seen, start.former_fold) == (min(saw), saw.index(min(saw)) + 1)
            return
    pytest.fail("these splits do not try what is to be tried")


@pytest.mark.long
def test_accepted_weights_mark_environment_limits_and_report(
    phantom_study: StoredStudy, copied: StoredStudy, store: Path
) -> None:
    """A real run from start to end, whose list and marks are those of its splits."""
    first = kept_run(small_plan(phantom_study.folder))
    for fold in (1, 2):
        shutil.copy(settings().bundle / "fold-1.safetensors", first.fold(fold) / "best.safetensors")
    options = {"weights": f"run:{first.run_id}", "accept_seen": True, "epochs": 1}
    plan = small_plan(copied.folder, **options, **OTHER_SPLIT)
    run = start_run(plan)
    assert wait_for(run, "finished", "failed").state == "finished", run.tail()
    environment = json.loads((run.path / "environment.json").read_text())
    start = environment["starting_weights"]
    before = {f: learnt_paths(first, phantom_study, f) for f in (1, 2)}
    seen: set[str] = set()
    hashes: dict[int, set[str]] = {}
    rows = {path: row for row, path in enumerate(copied.table["path"])}
    for fold, former in enumerate(start["former_folds"], start=1):
        judged = judged_paths(plan, copied, fold)
        assert start["judged_images_seen"][fold - 1] == len(before[former] & judged)
        seen |= before[former] & judged
        learnt = before[former] | learnt_paths(run, copied, fold)
        hashes[fold] = known_by(copied, [rows[path] for path in learnt])
        bundled = (settings().bundle / "learnt.txt").is_file()
        lines = (run.fold(fold) / "learnt.txt").read_text().splitlines()
        own = {line for line in lines if not line.startswith("#")}
        assert own >= hashes[fold] if bundled else own == hashes[fold]
    bundle = open_store(settings().store).artifact(run.run_id, "bundle")
    assert set((bundle / "learnt.txt").read_text().splitlines()) >= hashes[1] | hashes[2]
    mark = f"had learnt from {len(seen)} of the {len(copied.table)} images that it is judged on"
    assert any(mark in limit for limit in load_card(bundle).limits)
    reviewed = open_reviewed(run.run_id)
    assert mark in document(evaluate(reviewed.operating(), provenance(reviewed)))


def bundle_with(tmp_path: Path, digests: list[str]) -> Path:
    bundle = tmp_path / "bundle"
    shutil.copytree(settings().bundle, bundle)
    (bundle / "learnt.txt").write_text("".join(f"{digest}\n" for digest in digests))
    return bundle


def test_a_bundle_that_lists_a_studys_images_is_refused_for_it(
    phantom_study: StoredStudy, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = small_plan(phantom_study.folder)
    splits = plan.splits(phantom_study)
    tested = int(splits.test[0])
    bundle = bundle_with(tmp_path, [pixel_hash(phantom_study, tested)])
    monkeypatch.setenv("VMCORE_BUNDLE", str(bundle))
    settings.cache_clear()
    with pytest.raises(SeenError, match="The bundled model has learnt from 1 of the"):
        start_run(plan)
    beside = plan.model_copy(update={"weights": str(bundle / "fold-1.safetensors")})
    with pytest.raises(SeenError, match="The weights file has learnt from 1 of the"):
        start_run(beside)
    (bundle / "learnt.txt").write_text("half a li")
    with pytest.raises(Exception, match=r"list of images .* is damaged"):
        start_run(plan)


@pytest.mark.long
def test_weights_without_a_list_are_said_to_be_unknown(
    phantom_study: StoredStudy, store: Path, tmp_path: Path
) -> None:
    lone = tmp_path / "weights.safetensors"
    shutil.copy(settings().bundle / "fold-1.safetensors", lone)
    between = kept_run(small_plan(phantom_study.folder, weights=str(lone)))
    after = finished_run(small_plan(phantom_study.folder, weights=f"run:{between.run_id}"))
    plain = finished_run(small_plan(phantom_study.folder, weights="random"))
    for one, expected in ((after, True), (plain, False)):
        card = load_card(open_store(settings().store).artifact(one.run_id, "bundle"))
        assert any("have learnt from is not known" in limit for limit in card.limits) == expected
        assert ("Starting weights" in card.training_data) == expected
        if expected:
            assert "on input of mean [0.485" in card.training_data["Starting weights"]


def as_of_old(run: RunFolder, study: StoredStudy, started: str) -> None:
    """What a run kept before there were lists."""
    known = {"study_digest": fingerprint(study.table), "started": started}
    (run.path / "environment.json").write_text(json.dumps(known))
    for number in (1, 2):
        (run.fold(number) / "learnt.txt").unlink()


def test_a_run_of_before_there_were_lists_is_told_from_its_splits(
    copied: StoredStudy, store: Path
) -> None:
    run = kept_run(small_plan(copied.folder, weights="random"))
    later = kept_run(small_plan(copied.folder, weights=f"run:{run.run_id}"))
    kept = {number: learnt_by_fold(run, number) for number in (1, 2)}
    now = time.strftime("%Y-%m-%dT%H:%M:%S%z", time.gmtime(time.time() + 1))
    for old in (run, later):
        as_of_old(old, copied, now.replace("+0000", "") + "+0000")
    for number in (1, 2):
        rows = [copied.table.index[copied.table["path"] == p][0]
                for p in learnt_paths(run, copied, number)]  # fmt: skip
        told = learnt_by_fold(later, number)
        assert told == kept[number]
        assert told
        assert told.digests == known_by(copied, rows)
        assert told.complete


def test_a_run_of_before_there_were_lists_on_a_study_that_changed_is_refused_or_accepted(
    copied: StoredStudy, store: Path
) -> None:
    run = kept_run(small_plan(copied.folder, weights="random"))
    as_of_old(run, copied, time.strftime("%Y-%m-%dT%H:%M:%S+0000", time.gmtime(time.time() - 60)))
    repaint(copied)
    plan = small_plan(copied.folder, weights=f"run:{run.run_id}")
    with pytest.raises(SeenError, match="keeps no list of the images"):
        start_run(plan)
    accepted = plan.model_copy(update={"accept_seen": True})
    starts = find_starts(accepted, copied, plan.splits(copied))
    assert [(start.former_fold, start.seen) for start in starts] == [(1, None), (2, None)]
    assert not any(start.learnt.complete for start in starts)


@pytest.mark.long
def test_pixels_that_changed_under_the_same_names_are_noticed_on_resuming(
    copied: StoredStudy, store: Path
) -> None:
    run = start_run(small_plan(copied.folder, epochs=40))
    wait_until(run, lambda stands: stands.epochs[0] >= 1)
    cancel_run(run.run_id)
    repaint(copied)
    resume_run(run.run_id)
    stands = wait_for(run, "failed", "finished")
    assert "has changed since this run was started" in stands.reason


def test_a_picture_that_a_study_holds_twice_does_not_refuse_its_own_run(
    phantom_study: StoredStudy, copied: StoredStudy, store: Path
) -> None:
    """Such pairs are the study's concern, said in its check; the start adds nothing to it."""
    plan = small_plan(copied.folder)
    fold = plan.splits(copied).folds[0]
    prepared = [prepared_path(copied.folder / "prepared", copied.table["path"][int(row)])
                for row in (fold.train[0], fold.validation[0])]  # fmt: skip
    shutil.copy(*prepared)
    run = kept_run(plan)
    again = small_plan(copied.folder, weights=f"run:{run.run_id}")
    starts = find_starts(again, copied, again.splits(copied))
    assert [start.seen for start in starts] == [0, 0]
    assert seen_in_run(run, copied, plan.splits(copied))[1] == frozenset()


def test_a_run_keeps_which_weights_of_timms_it_starts_from_and_their_input() -> None:
    plan = Plan(name="x", study=Path("x"), architecture="vit-b16", weights="imagenet")
    told = describe_start(plan, [Start(1, Learnt(), 0, 4)])
    expected = timm.models.get_pretrained_cfg("vit_base_patch16_224.augreg_in1k")
    assert expected
    assert told["weights"] == "vit_base_patch16_224.augreg_in1k"
    assert told["trained_with"] == {"mean": expected.mean, "deviation": expected.std}


def test_the_command_line_accepts_seen_images_only_when_told() -> None:
    told = tyro.cli(CrossvalArguments, args=["--study", "x", "--accept-seen"]).plan()
    untold = tyro.cli(CrossvalArguments, args=["--study", "x"]).plan()
    assert (told.accept_seen, untold.accept_seen) == (True, False)
