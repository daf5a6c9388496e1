"""A case's picture, looked for each time, and where the model looked, computed once."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import streamlit as st

from pages.parts.model import load_classifier
from pages.parts.review_choice import load_reviewed
from vmcore.inference import Prediction
from vmcore.models import BundleError
from vmcore.reporting.review import Tile
from vmcore.settings import settings


def case_tile(key: str, case: str, fold: int | None) -> Tile | None:
    """A case's cleaned image and Eigen-CAM heatmap; None where the picture is not here.

    Args:
        key: the model.
        case: the image's name in the predictions.
        fold: the fold that judged it, for a validation image; None for all, for a test image.
    """
    reviewed = load_reviewed(key)
    image = reviewed.find_image(case)  # asked for every time: it may have been deleted
    if image is None:
        return None
    heatmap = None
    if reviewed.bundle is not None:
        with suppress(BundleError):
            heatmap = _heatmap(reviewed.digest, fold, image, reviewed.bundle)
    return Tile(image, np.zeros(image.shape[:2], np.float32) if heatmap is None else heatmap, "")


@st.cache_data(max_entries=256, show_spinner=False)
def _heatmap(digest: str, fold: int | None, image: np.ndarray, _bundle: Path) -> np.ndarray | None:
    """Where the model looked; its bundle's digest and the picture are the cache's key."""
    del digest
    classifier = load_classifier(_bundle, settings().device)
    judge = classifier if fold is None else classifier.only(fold)
    (answer,) = judge.predict([image])
    return answer.heatmap


def worded(tile: Tile, words: str) -> Tile:
    """The same with a line of words."""
    return replace(tile, words=words)


def as_prediction(probability: float, folds: list[float], threshold: float) -> Prediction:
    """A row of the predictions in the form that the folds' strip takes."""
    label = "ventriculomegaly" if probability >= threshold else "normal"
    return Prediction(probability, np.array(folds), label, threshold, None, None)
