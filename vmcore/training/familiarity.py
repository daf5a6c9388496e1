"""Fit a model's sense of what it knows, on embeddings of its training images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from torch import Tensor

from vmcore.models import Familiarity
from vmcore.models.familiarity import nearest_distance

_STIFFNESS = 0.01  # inverse regularisation: many dimensions, few images


def fit_familiarity(
    embeddings: Tensor,
    subjects: Sequence[str],
    counter_examples: Tensor | None = None,
    counter_subjects: Sequence[str] = (),
    *,
    share: float = 0.98,
    keep: int = 300,
    seed: int = 0,
) -> Familiarity:
    """Fit both measures; every limit comes from images that are judged without their own subject.

    Args:
        embeddings: (F, N, D), training images.
        subjects: N subjects.
        counter_examples: (F, M, D), images of other organs, or None for the distance alone.
        counter_subjects: M subjects.
        share: share of the training images that each measure must call familiar.
        keep: training images kept for the distance.
        seed: seed of their choice.
    """
    centre, scale = embeddings.mean(dim=1), embeddings.std(dim=1).clamp_min(1e-6)
    standard = (embeddings - centre[:, None]) / scale[:, None]
    chosen = np.random.default_rng(seed).permutation(embeddings.shape[1])[:keep]
    known, owners = standard[:, chosen], np.asarray(subjects)[chosen]
    apart = [
        nearest_distance(
            standard[:, index : index + 1], known[:, torch.from_numpy(owners != subject)]
        )[0]
        for index, subject in enumerate(subjects)
    ]
    folds, _, width = embeddings.shape
    weight, bias, limit = torch.zeros(folds, width), torch.zeros(folds), 1.0
    if counter_examples is not None:
        other = (counter_examples - centre[:, None]) / scale[:, None]
        groups = [*subjects, *counter_subjects]
        weight, bias, scores = _linear(standard, other, groups)
        limit = float(np.quantile(scores[: len(subjects)], share))
    return Familiarity(
        known, centre, scale, weight, bias,
        torch.tensor(float(np.quantile(apart, share))), torch.tensor(limit),
    )  # fmt: skip


def _linear(
    heads: Tensor, other: Tensor, groups: Sequence[str]
) -> tuple[Tensor, Tensor, npt.NDArray[np.float64]]:
    """Weights (F, D) and bias (F,) by fold, and out-of-subject scores averaged over folds."""
    truth = np.concatenate([np.zeros(heads.shape[1]), np.ones(other.shape[1])])
    weights, biases, scores = [], [], []
    for fold in range(len(heads)):
        values = torch.cat([heads[fold], other[fold]]).numpy()
        model = LogisticRegression(C=_STIFFNESS, class_weight="balanced", max_iter=5000)
        scores.append(
            cross_val_predict(
                model, values, truth, groups=groups, cv=GroupKFold(5), method="decision_function"
            )
        )
        model.fit(values, truth)
        weights.append(torch.from_numpy(model.coef_[0]).float())
        biases.append(float(model.intercept_[0]))
    return torch.stack(weights), torch.tensor(biases), np.mean(scores, axis=0)
