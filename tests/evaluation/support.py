"""Made-up predictions with known structure."""

from __future__ import annotations

import numpy as np
import pandas as pd

from vmcore.evaluation import CaseSet, read_predictions


def table_of(
    count: int = 150, folds: int = 5, seed: int = 0, share: float = 0.3, per_subject: int = 2
) -> pd.DataFrame:
    """Test and validation predictions of a model that is right more often than not."""
    rng = np.random.default_rng(seed)
    rows = []
    for split, prefix in (("validation", "v"), ("test", "t")):
        truth = (rng.random(count) < share).astype(int)
        truth[:2] = (0, 1)
        ease = rng.normal(0, 1.2, count)
        for image in range(count):
            judges = range(1, folds + 1) if split == "test" else [image % folds + 1]
            for fold in judges:
                score = 1.6 * truth[image] - 0.8 + ease[image] + rng.normal(0, 0.8)
                rows.append(
                    (f"{prefix}{image}", f"{prefix}{image // per_subject}", truth[image], split,
                     fold, round(float(1 / (1 + np.exp(-score))), 4))
                )  # fmt: skip
    names = ["image", "subject", "label", "split", "fold", "probability"]
    return pd.DataFrame(rows, columns=names)


def cases_of(split: str = "test", **options: object) -> CaseSet:
    """Cases of :func:`table_of`."""
    return read_predictions(table_of(**options)).cases(split)  # type: ignore[arg-type]
