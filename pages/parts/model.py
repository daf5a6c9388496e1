"""The models that answer and measure, loaded once for all sessions and again when its bundle changes."""

from __future__ import annotations

import threading
from functools import lru_cache
from pathlib import Path

from vmcore.anatomy import AnatomyModel, anatomy_digest
from vmcore.inference import Classifier
from vmcore.models import bundle_digest
from vmcore.settings import settings

_MOST = 2  # the former one goes on serving those who are just asking it
_loaded: dict[tuple[str, str | None], Classifier] = {}
_one_loads = threading.Lock()  # the others wait for it rather than load the same


def load_classifier(bundle: Path, device: str | None) -> Classifier:
    """The classifier of a bundle, wherever a copy of it lies; shared between sessions.

    Raises:
        BundleError: with what is wrong with the bundle.
    """
    key = bundle_digest(bundle), device
    with _one_loads:
        if key not in _loaded:
            _loaded[key] = Classifier.load(bundle, device=device)
            while len(_loaded) > _MOST:
                _loaded.pop(next(iter(_loaded)))
        return _loaded[key]


def load_anatomy_model() -> AnatomyModel:
    """The installation's anatomy model; shared between sessions.

    Raises:
        AnatomyError: with what is wrong with it.
    """
    folder = settings().anatomy
    with _one_loads:
        return _anatomy_model(folder, anatomy_digest(folder))


@lru_cache(maxsize=1)
def _anatomy_model(folder: Path, digest: str) -> AnatomyModel:
    del digest  # a part of the cache's key
    return AnatomyModel.load(folder)
