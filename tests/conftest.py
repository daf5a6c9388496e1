"""Shared parts of the tests: development data where present, phantoms, a small bundle."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from tests.runs.support import small_study
from vmcore.data import StoredStudy
from vmcore.data.phantom import OverlaySettings, Phantom, make_phantom
from vmcore.models import create_classifier, save_bundle
from vmcore.runs import open_store
from vmcore.settings import settings

Configure = Callable[..., None]
ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real ultrasound images for development; tests that need it are skipped without."""
    if not (SHARED / "hc18").is_dir():
        pytest.skip("the development images (../shared/data) are not present")
    return SHARED


@pytest.fixture(scope="session")
def annotated() -> Phantom:
    """A phantom with everything that a scanner draws over it."""
    return make_phantom(12.0, 5, overlays=OverlaySettings(arrow=True))


@pytest.fixture(scope="session")
def small_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folds of random ViT-Tiny weights without a domain check."""
    torch.manual_seed(0)
    models = [create_classifier("usf-mae-tiny") for _ in range(2)]
    return save_bundle(
        tmp_path_factory.mktemp("bundles") / "small",
        models,
        architecture="usf-mae-tiny",
        name="random",
    )


@pytest.fixture(scope="session")
def phantom_study(tmp_path_factory: pytest.TempPathFactory) -> StoredStudy:
    """A prepared study of phantoms of both classes; not to be changed."""
    return small_study(tmp_path_factory.mktemp("phantom-study"))


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Iterator[Configure]:
    """Set settings of the installation for one test, by their names."""

    def configure(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"VMCORE_{name.upper()}", value)
        settings.cache_clear()

    yield configure
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A store of the test's own."""
    monkeypatch.setenv("VMCORE_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    settings.cache_clear()
    open_store.cache_clear()
    yield tmp_path / "store"
    settings.cache_clear()
    open_store.cache_clear()
