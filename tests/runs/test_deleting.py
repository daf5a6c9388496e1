"""What is deleted is gone for good; what is in use is not deleted."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from tests.canaries import search
from vmcore.runs import (
    RunError,
    RunFolder,
    all_runs,
    bundle_in_use,
    delete_run,
    delete_study,
    find_run,
    promote,
    roll_back,
)


def test_what_is_deleted_is_gone_for_good(copied: RunFolder, store: Path) -> None:
    study = store / "studies/canary study"
    shutil.copytree(copied.plan().study, study)
    told = [copied.plan().name, copied.run_id, *study_names(study)]
    canaries = {word: word for word in told}
    assert set().union(*search([store], canaries).values()) == set(told)
    delete_run(copied.run_id)
    delete_study(study)
    assert search([store], canaries) == {}
    assert [path for path in store.rglob("*") if path.suffix in {".safetensors", ".png"}] == []


def test_a_run_whose_model_is_in_use_is_not_deleted(copied: RunFolder) -> None:
    promote(copied.run_id, why="to see that it stays")
    with pytest.raises(RunError, match="roll back first"):
        delete_run(copied.run_id)
    assert find_run(copied.run_id).path.is_dir()
    assert bundle_in_use().run_id == copied.run_id
    roll_back(why="to be deleted")
    delete_run(copied.run_id)
    assert all_runs() == []


def study_names(study: Path) -> list[str]:
    """Names that a study's manifest gives to images."""
    return pd.read_csv(study / "manifest.csv")["path"].tolist()[:5]
