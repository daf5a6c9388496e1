"""Predictions of trained folds as a table, and the domain check of the models that made them."""

from __future__ import annotations

import pandas as pd
from lightning_fabric import Fabric
from torch import nn

from vmcore.data.measured import MEASURED_COLUMNS
from vmcore.data.splits import Splits
from vmcore.training.finetune import LabelledImages, predict

_KEPT = (
    "source", "finding", "device", "site", "gestational_age_weeks", "atrial_width_mm",
    *MEASURED_COLUMNS,
)  # fmt: skip


def fold_predictions(
    model: nn.Module,
    table: pd.DataFrame,
    study: LabelledImages,
    splits: Splits,
    number: int,
    fabric: Fabric,
) -> pd.DataFrame:
    """Let a fold's model judge its validation images and the test images.

    Args:
        model: the fold's best epoch.
        table: the manifest, a row an image of ``study``.
        study: the images.
        splits: who validates and who is tested.
        number: the fold, counted from 1.
        fabric: device and precision.

    Returns:
        image, subject, what else the manifest knows of it, label (0 or 1), split, fold,
        probability.
    """
    kept = ["path", "subject_id", *(name for name in _KEPT if name in table.columns)]
    parts = []
    for split, rows in (
        ("validation", splits.folds[number - 1].validation),
        ("test", splits.test),
    ):
        probability, _ = predict(model, study, rows, fabric)
        part = table.iloc[rows][kept].rename(columns={"path": "image", "subject_id": "subject"})
        parts.append(
            part.assign(label=study.labels[rows], split=split, fold=number, probability=probability)
        )
    return pd.concat(parts, ignore_index=True)
