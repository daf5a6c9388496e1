"""The model that answers, loaded once for all sessions and again when its bundle changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import streamlit as st

from vmcore.imaging import clean_frame
from vmcore.inference import Classifier
from vmcore.models import BundleError
from vmcore.models.bundle import CARD_FILE


def load_classifier(bundle: Path, device: str | None) -> Classifier:
    """The classifier of a bundle; loading is shared between sessions.

    Raises:
        BundleError: with what is wrong with the bundle.
    """
    try:
        stamp = (bundle / CARD_FILE).stat().st_mtime_ns
    except OSError as error:
        raise BundleError(f"There is no model bundle in {bundle}.") from error
    return _load(str(bundle), device, stamp)


@st.cache_resource(max_entries=2, show_spinner="Loading the model …")
def _load(bundle: str, device: str | None, stamp: int) -> Classifier:
    del stamp  # part of the cache's key only
    classifier = Classifier.load(bundle, device=device)
    # the first pass through the network and the text finder is slow: pay for it here, once
    blank = np.zeros((480, 640, 3), np.uint8)
    classifier.predict([clean_frame(blank).image])
    return classifier
