"""A run that went through, trained once for all tests that look at one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.runs.support import copied_store, pretraining, small_plan, wait_for
from vmcore.data import StoredStudy
from vmcore.runs import RunFolder, find_run, open_store, start_run
from vmcore.settings import settings


@pytest.fixture(scope="session")
def finished(
    phantom_study: StoredStudy, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, RunFolder]:
    """A store with one run that went through; not to be changed."""
    place = tmp_path_factory.mktemp("finished") / "store"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VMCORE_STORE", str(place))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        settings.cache_clear()
        open_store.cache_clear()
        folder = start_run(small_plan(phantom_study.folder))
        wait_for(folder, "finished", "failed")
        settings.cache_clear()
        open_store.cache_clear()
    return place, folder


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

    def make(place: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("VMCORE_STORE", str(place / "store"))
            patch.delenv("MLFLOW_TRACKING_URI", raising=False)
            settings.cache_clear()
            open_store.cache_clear()
            folder = start_run(pretraining(phantom_study.folder))
            stands = wait_for(folder, "finished", "failed")
            settings.cache_clear()
            open_store.cache_clear()
        assert stands.state == "finished", folder.tail()

    store = made_once("finished-pretraining", make) / "store"
    (path,) = (store / "runs").iterdir()
    return store, RunFolder(path)


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
