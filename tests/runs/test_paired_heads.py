"""Runs that learn from pairs of their normal heads, made from the original files."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.runs.support import draw_study, kept_run, small_plan, wait_for, wait_until_gone
from vmcore.data import StoredStudy, load_study, prepare_study
from vmcore.models import load_card
from vmcore.runs import RunError, RunFolder, open_store, start_run
from vmcore.runs.estimate import workload
from vmcore.runs.paired_heads import paired_heads
from vmcore.training import Stopped


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("originals")
    (folder / "images").mkdir()
    return draw_study(folder, subjects=14, scaled=True)


@pytest.fixture(scope="module")
def study(originals: Path, tmp_path_factory: pytest.TempPathFactory) -> StoredStudy:
    return prepare_study(originals, tmp_path_factory.mktemp("studies") / "clinic", workers=1)


def run_with_pairs(study: StoredStudy) -> RunFolder:
    return kept_run(small_plan(study.folder, pairs=True))


@pytest.mark.long
def test_a_run_learns_from_pairs_and_says_so(study: StoredStudy, store: Path) -> None:
    folder = start_run(small_plan(study.folder, epochs=1, pairs=True))
    assert wait_for(folder, "finished", "failed").state == "finished", folder.tail()
    wait_until_gone(folder, "pairs*")  # they are pictures of people
    splits = folder.cross_validation().splits(study)
    pairs = paired_heads(run_with_pairs(study), study, splits)  # the same in every run
    normal = np.flatnonzero(study.table["label"] == "normal")
    assert len(pairs.rows) > 2
    assert set(pairs.rows) <= set(normal) - set(splits.test)
    assert pairs.images.shape == (len(pairs.rows), 2, 3, 224, 224)
    assert (pairs.images[:, 0] != pairs.images[:, 1]).any(axis=(1, 2, 3)).all()
    for number, fold in enumerate(splits.folds, start=1):
        learnt = len(fold.train) + 2 * np.isin(pairs.rows, fold.train).sum()
        assert f"Fold {number}: {learnt} images to learn from." in folder.log.read_text()
    card = load_card(open_store(store).artifact(folder.run_id, "bundle"))
    assert f"pairs of {len(pairs.rows)} normal heads" in str(card.training_data["Recipe"])
    assert open_store(store).summaries()[0]["params"]["pairs"] == "True"


def test_the_estimate_counts_them(study: StoredStudy) -> None:
    plan, with_pairs = (small_plan(study.folder, pairs=pairs) for pairs in (False, True))
    splits = plan.splits(study)
    without, work = workload(plan, study, splits), workload(with_pairs, study, splits)
    labels = study.table["label"].to_numpy()
    assert without.paired == 0
    assert work.paired == sum(labels == "normal") - sum(labels[splits.test] == "normal") > 2
    assert work.validated == without.validated
    normal = sum(sum(labels[fold.train] == "normal") for fold in splits.folds)
    assert work.learnt == without.learnt + 2 * normal  # each of them stands for two more


@pytest.mark.long
def test_they_are_made_once_and_only_of_files_that_are_as_they_were(
    study: StoredStudy, originals: Path, store: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(originals, moved)
    shutil.copytree(study.folder, tmp_path / "study")
    for told in ("study.json", "source.json"):
        file = tmp_path / "study" / told
        file.write_text(file.read_text().replace(str(originals), str(moved)))
    other = load_study(tmp_path / "study")
    splits = small_plan(other.folder).splits(other)
    first = paired_heads(run_with_pairs(other), other, splits)
    changed = other.table["path"][int(first.rows[0])]
    (moved / changed).write_bytes((moved / changed).read_bytes() + b"\0")
    folder = run_with_pairs(other)
    fewer = paired_heads(folder, other, splits)
    assert set(fewer.rows) == set(first.rows[1:])
    np.testing.assert_array_equal(fewer.images, first.images[1:])
    shutil.rmtree(moved)
    np.testing.assert_array_equal(paired_heads(folder, other, splits).rows, fewer.rows)
    with pytest.raises(RunError, match="original files are gone or have changed"):
        paired_heads(run_with_pairs(other), other, splits)
    with pytest.raises(RunError, match="none of them is there any more"):
        start_run(small_plan(other.folder, pairs=True))


def test_it_stops_when_it_is_told_to_and_says_what_is_damaged(
    study: StoredStudy, store: Path
) -> None:
    folder, splits = run_with_pairs(study), small_plan(study.folder).splits(study)
    folder.mark("cancelled")
    with pytest.raises(Stopped):
        paired_heads(folder, study, splits)
    (folder.path / "pairs.npz").write_bytes(b"been here")
    with pytest.raises(RunError, match="pairs are damaged"):
        paired_heads(folder, study, splits)
