"""A case's picture and where the model looked, found and computed once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from pages.parts.model import load_classifier
from pages.parts.review_choice import load_reviewed
from vmcore.inference import Prediction
from vmcore.models import BundleError
from vmcore.reporting.review import Tile
from vmcore.runs import Reviewed
from vmcore.settings import settings


def case_tile(key: str, case: str, fold: int | None) -> Tile | None:
    """A case's cleaned image and Eigen-CAM heatmap; None where the picture is not here.

    Args:
        key: the model.
        case: the image's name in the predictions.
        fold: the fold that judged it, for a validation image; None for all, for a test image.
    """
    reviewed = load_reviewed(key)
    return _tile(reviewed.digest, case, fold, reviewed)


@st.cache_data(max_entries=256, show_spinner=False)
def _tile(digest: str, case: str, fold: int | None, _reviewed: Reviewed) -> Tile | None:
    del digest  # part of the cache's key: the bundle's, which holds the predictions too
    image = _reviewed.find_image(case)
    if image is None:
        return None
    heatmap = np.zeros(image.shape[:2], np.float32)
    if _reviewed.bundle is not None:
        try:
            classifier = load_classifier(_reviewed.bundle, settings().device)
        except BundleError:
            return Tile(image, heatmap, "")
        judge = classifier if fold is None else classifier.only(fold)
        (answer,) = judge.predict([image])
        heatmap = answer.heatmap if answer.heatmap is not None else heatmap
    return Tile(image, heatmap, "")


def worded(tile: Tile, words: str) -> Tile:
    """The same with a line of words."""
    return replace(tile, words=words)


def as_prediction(probability: float, folds: list[float], threshold: float) -> Prediction:
    """A row of the predictions in the form that the folds' strip takes."""
    label = "ventriculomegaly" if probability >= threshold else "normal"
    return Prediction(probability, np.array(folds), label, threshold, None, None)
