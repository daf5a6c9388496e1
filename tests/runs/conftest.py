"""A run that went through, trained once for all tests that look at one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.runs.support import copied_store, gone_through, pretraining, small_plan
from vmcore.data import StoredStudy
from vmcore.runs import RunFolder, find_run
from vmcore.settings import settings


@pytest.fixture(scope="session")
def finished(phantom_study: StoredStudy, made_once: Callable[..., Path]) -> tuple[Path, RunFolder]:
    """A store with one run that went through; not to be changed."""
    plan = small_plan(phantom_study.folder)
    store = made_once("finished", lambda place: gone_through(place / "store", plan)) / "store"
    (path,) = (store / "runs").iterdir()
    return store, RunFolder(path)


@pytest.fixture
def done(
    finished: tuple[Path, RunFolder], store: Path, monkeypatch: pytest.MonkeyPatch
) -> RunFolder:
    """The finished run, with its store open."""
    monkeypatch.setenv("VMCORE_STORE", str(finished[0]))
    settings.cache_clear()
    return finished[1]


@pytest.fixture
def copied(finished: tuple[Path, RunFolder], store: Path) -> RunFolder:
    """The finished run in a copy of its store, which may be changed."""
    place, folder = finished
    shutil.copytree(place, store)
    return find_run(folder.run_id)


@pytest.fixture(scope="session")
def finished_pretraining(
    phantom_study: StoredStudy, made_once: Callable[..., Path]
) -> tuple[Path, RunFolder]:
    """A store with one pretraining that went through; not to be changed."""
    plan = pretraining(phantom_study.folder)
    made = made_once("finished-pretraining", lambda place: gone_through(place / "store", plan))
    (path,) = (made / "store" / "runs").iterdir()
    return made / "store", RunFolder(path)


@pytest.fixture
def pretrained(
    finished_pretraining: tuple[Path, RunFolder], store: Path, monkeypatch: pytest.MonkeyPatch
) -> RunFolder:
    """The finished pretraining, with its store open."""
    monkeypatch.setenv("VMCORE_STORE", str(finished_pretraining[0]))
    settings.cache_clear()
    return finished_pretraining[1]


@pytest.fixture
def pretrained_copy(finished_pretraining: tuple[Path, RunFolder], store: Path) -> RunFolder:
    """The finished pretraining in a copy of its store, which may be changed."""
    (folder,) = copied_store(finished_pretraining[0], store)
    return folder
