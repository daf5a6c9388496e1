"""Cases in the order in which a reviewer wants to see them."""

from __future__ import annotations

import pandas as pd

from vmcore.evaluation.operating import OperatingPredictions
from vmcore.evaluation.predictions import Split


def case_table(operating: OperatingPredictions, split: Split) -> pd.DataFrame:
    """Cases of a split, the most wrong first: false negatives, then false positives, then the rest.

    Within each group those of which the model was surest come first.

    Returns:
        image, subject, kind, label, probability, "fold K", and what else the predictions know.
    """
    cases = operating.cases(split)
    called = cases.probability >= operating.threshold
    sick = cases.labels == 1
    order = {"false negative": 0, "false positive": 1, "true positive": 2, "true negative": 3}
    kind = pd.Series("true negative", index=range(len(cases)))
    kind[sick & ~called], kind[~sick & called], kind[sick & called] = list(order)[:3]
    table = pd.DataFrame(
        {
            "image": cases.known["image"],
            "subject": cases.known["subject"],
            "kind": kind,
            "label": pd.Series(sick).map({True: "ventriculomegaly", False: "normal"}),
            "probability": cases.probability,
        }
    )
    for place, fold in enumerate(cases.folds):
        table[f"fold {fold}"] = cases.by_fold[:, place]
    for name in cases.known.columns.difference(["image", "subject"]):
        table[name] = cases.known[name]
    sure = (table["probability"] - operating.threshold).abs()
    ranks = table["kind"].map(order)
    return (
        table.assign(rank=ranks, sure=sure)
        .sort_values(["rank", "sure"], ascending=[True, False], ignore_index=True)
        .drop(columns=["rank", "sure"])
    )
