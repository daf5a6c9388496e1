"""The model that answers, loaded once for all sessions and again when its bundle changes."""

from __future__ import annotations

import threading
from functools import lru_cache
from pathlib import Path

from vmcore.inference import Classifier
from vmcore.models import bundle_digest

_one_loads = threading.Lock()  # the others wait for it rather than load the same


def load_classifier(bundle: Path, device: str | None) -> Classifier:
    """The classifier of a bundle; loading is shared between sessions.

    Raises:
        BundleError: with what is wrong with the bundle.
    """
    digest = bundle_digest(bundle)
    with _one_loads:
        return _load(digest, device, str(bundle))


@lru_cache(maxsize=2)
def _load(digest: str, device: str | None, bundle: str) -> Classifier:
    del digest  # the cache's key: a bundle that changes is loaded again
    return Classifier.load(bundle, device=device)
