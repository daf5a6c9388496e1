"""Figures that the paper published, for reference beside one's own; never mixed with them."""

from __future__ import annotations

from types import MappingProxyType

import pandas as pd

SOURCE = (
    "Published: Deep Learning Analysis of Prenatal Ultrasound for Identification of "
    "Ventriculomegaly, Tables 2 and 3 (private data, split by image, mean over five folds)"
)
NOT_COMPARABLE = "Other images, another split: not to be compared line by line."
"""What stands beside the published figures, wherever they are shown."""
_COLUMNS = ("model", "accuracy", "precision", "recall", "f1", "specificity", "auc")
_TABLES = {
    "validation": (
        ("VGG-19", 92.14, 86.27, 66.10, 72.39, 97.58, 88.54),
        ("ResNet-50", 96.43, 92.83, 86.80, 89.45, 98.44, 95.23),
        ("ViT-B/16", 95.57, 90.94, 83.57, 86.73, 98.09, 95.72),
        ("USF-MAE", 97.29, 96.55, 87.67, 91.76, 99.31, 96.00),
    ),
    "test": (
        ("VGG-19", 92.68, 84.70, 69.52, 75.63, 97.45, 88.43),
        ("ResNet-50", 96.26, 88.25, 90.48, 89.22, 97.45, 97.50),
        ("ViT-B/16", 93.82, 88.59, 74.29, 79.85, 97.84, 97.00),
        ("USF-MAE", 97.24, 94.47, 89.52, 91.78, 98.82, 97.00),
    ),
}
CONFUSION = MappingProxyType({"tn": 504, "fp": 6, "fn": 11, "tp": 94})
"""Fig. 6: USF-MAE on the test set, counts summed over five folds."""


def published(split: str) -> pd.DataFrame:
    """Table 2 (validation) or 3 (test): model and six figures in per cent."""
    return pd.DataFrame(list(_TABLES[split]), columns=list(_COLUMNS))
