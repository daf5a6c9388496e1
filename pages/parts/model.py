"""The model that answers, loaded once for all sessions and again when its bundle changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import streamlit as st

from vmcore.imaging import clean_frame
from vmcore.inference import Classifier
from vmcore.models import bundle_digest


def load_classifier(bundle: Path, device: str | None) -> Classifier:
    """The classifier of a bundle; loading is shared between sessions.

    Raises:
        BundleError: with what is wrong with the bundle.
    """
    return _load(bundle_digest(bundle), device, str(bundle))


@st.cache_resource(max_entries=2, show_spinner="Loading the model …")
def _load(digest: str, device: str | None, _bundle: str) -> Classifier:
    del digest  # the cache's key: wherever a bundle lies, it is the same one
    classifier = Classifier.load(_bundle, device=device)
    # the first pass through the network and the text finder is slow: pay for it here, once
    blank = np.zeros((480, 640, 3), np.uint8)
    classifier.predict([clean_frame(blank).image])
    return classifier
