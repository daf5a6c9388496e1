"""Fit a model's out-of-distribution detector on embeddings of its training images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict

from vmcore.models.ood import Embeddings, OodDetector, nearest_distance

_LEAST_SCALE = 0.01  # of the middle one
_STIFFNESS = 0.01  # inverse regularisation: many dimensions, few images


def fit_ood_detector(
    embeddings: Embeddings,
    subjects: Sequence[str],
    counter_examples: Embeddings | None = None,
    counter_subjects: Sequence[str] = (),
    *,
    share: float = 0.98,
    keep: int = 300,
    seed: int = 0,
) -> OodDetector:
    """Fit both measures; every limit comes from images that are judged without their own subject.

    Args:
        embeddings: (F, N, D), training images.
        subjects: N subjects.
        counter_examples: (F, M, D), images of other organs, or None for the distance alone.
        counter_subjects: M subjects.
        share: share of the training images that each measure must call in distribution.
        keep: training images kept for the distance.
        seed: seed of their choice.

    Raises:
        ValueError: images of one subject alone, which nothing could be held against.
    """
    if len(set(subjects)) < 2:
        raise ValueError("Images of at least two subjects are needed.")
    centre = embeddings.mean(axis=1)
    scale = embeddings.std(axis=1, ddof=1)
    # what never changes in training would else be far from it with the least change
    scale = np.maximum(scale, _LEAST_SCALE * np.median(scale, axis=1, keepdims=True)).clip(1e-6)
    standard = (embeddings - centre[:, None]) / scale[:, None]
    chosen = np.random.default_rng(seed).permutation(embeddings.shape[1])[:keep]
    known, owners = standard[:, chosen], np.asarray(subjects)[chosen]
    apart = [
        nearest_distance(standard[:, index : index + 1], known[:, owners != subject])[0]
        for index, subject in enumerate(subjects)
    ]
    folds, _, width = embeddings.shape
    weight, bias, limit = np.zeros((folds, width)), np.zeros(folds), 1.0
    if counter_examples is not None:
        other = (counter_examples - centre[:, None]) / scale[:, None]
        weight, bias, scores = _linear(standard, other, [*subjects, *counter_subjects])
        limit = float(np.quantile(scores[: len(subjects)], share))
    fitted = (known, centre, scale, weight, bias, np.quantile(apart, share), limit)
    return OodDetector(*(np.asarray(values, np.float32) for values in fitted))


def _linear(
    heads: Embeddings, other: Embeddings, groups: Sequence[str]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Weights (F, D) and bias (F,) by fold, and out-of-subject scores averaged over folds."""
    truth = np.concatenate([np.zeros(heads.shape[1]), np.ones(other.shape[1])])
    weights, biases, scores = [], [], []
    for fold in range(len(heads)):
        values = np.concatenate([heads[fold], other[fold]])
        model = LogisticRegression(C=_STIFFNESS, class_weight="balanced", max_iter=5000)
        scores.append(
            cross_val_predict(
                model, values, truth, groups=groups, cv=GroupKFold(5), method="decision_function"
            )
        )
        model.fit(values, truth)
        weights.append(model.coef_[0])
        biases.append(float(model.intercept_[0]))
    return np.stack(weights), np.array(biases), np.mean(scores, axis=0)
