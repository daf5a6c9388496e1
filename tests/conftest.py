"""Shared parts of the tests: development data where present, phantoms, a small bundle.

What is expensive is made once for all of pytest's workers, and imported by those who need it: the
process that only deals tests out needs none of it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

if TYPE_CHECKING:
    from vmcore.data import StoredStudy
    from vmcore.data.phantom import Phantom

# Many processes compute at the same time here: pytest's workers, apps, trainings. Where each takes as
# many threads as there are cores, they wait for one another's threads and burn the cores meanwhile.
os.environ.setdefault("OMP_NUM_THREADS", "1")

Configure = Callable[..., None]
ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A folder that the first worker to ask for it fills, for all of them; not to be changed."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def get(name: str, make: Callable[[Path], object]) -> Path:
        place = shared / name
        with FileLock(f"{place}.lock"):
            if not Path(f"{place}.made").exists():
                place.mkdir()
                make(place)
                Path(f"{place}.made").touch()
        return place

    return get


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real ultrasound images for development; tests that need it are skipped without."""
    if not (SHARED / "hc18").is_dir():
        pytest.skip("the development images (../shared/data) are not present")
    return SHARED


@pytest.fixture(scope="session")
def annotated() -> Phantom:
    """A phantom with everything that a scanner draws over it."""
    from vmcore.data.phantom import OverlaySettings, make_phantom

    return make_phantom(12.0, 5, overlays=OverlaySettings(arrow=True))


@pytest.fixture(scope="session")
def small_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folds of random ViT-Tiny weights without a domain check."""
    import torch

    from vmcore.models import create_classifier, save_bundle

    torch.manual_seed(0)
    models = [create_classifier("usf-mae-tiny") for _ in range(2)]
    return save_bundle(
        tmp_path_factory.mktemp("bundles") / "small",
        models,
        architecture="usf-mae-tiny",
        name="random",
    )


@pytest.fixture(scope="session")
def phantom_study(made_once: Callable[..., Path]) -> StoredStudy:
    """A prepared study of phantoms of both classes; not to be changed."""
    from tests.runs.support import small_study
    from vmcore.data import load_study

    return load_study(made_once("phantom-study", small_study) / "study")


@pytest.fixture(scope="session")
def two_runs(phantom_study: StoredStudy, made_once: Callable[..., Path]) -> Path:
    """A store with two finished runs on the phantoms' study; to be copied, not to be changed."""
    from tests.runs.support import store_with_two_runs

    place = made_once("two-runs", lambda place: store_with_two_runs(place / "store", phantom_study))
    return place / "store"


@pytest.fixture(scope="session")
def empty_database(made_once: Callable[..., Path]) -> Path:
    """MLflow's tables with nothing in them, as MLflow makes them: it takes it seconds each time."""
    from mlflow.store.db.utils import _initialize_tables
    from sqlalchemy import create_engine

    def make(place: Path) -> None:
        engine = create_engine(f"sqlite:///{place / 'empty.db'}")
        _initialize_tables(engine)
        engine.dispose()

    return made_once("empty-database", make) / "empty.db"


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Iterator[Configure]:
    """Set settings of the installation for one test, by their names."""
    from vmcore.settings import settings

    def configure(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"VMCORE_{name.upper()}", value)
        settings.cache_clear()

    yield configure
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_database: Path) -> Iterator[Path]:
    """A store of the test's own; its database begins as a copy of MLflow's empty tables."""
    from tests.runs.support import copy_database
    from vmcore.runs import open_store
    from vmcore.settings import settings

    monkeypatch.setenv("VMCORE_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(
        "mlflow.store.db.utils._initialize_tables",
        lambda engine: copy_database(empty_database, Path(engine.url.database)),
    )
    settings.cache_clear()
    open_store.cache_clear()
    yield tmp_path / "store"
    settings.cache_clear()
    open_store.cache_clear()


@pytest.fixture
def main_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that Streamlit runs takes the main module's place, which spawned processes look at."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
