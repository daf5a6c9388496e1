"""Real images that a masked autoencoder may learn from though the study's folds are judged later."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

_SETS = ("fetal-brain-planes", "fetal-planes", "fetal-head-structures", "fetal-brain-abnormalities")


def unlabelled_table(data: Path, study: pd.DataFrame) -> pd.DataFrame:
    """List the images of fetuses of which a study holds none.

    Args:
        data: folder with the public sets.
        study: subject_id as :func:`train.bundled_data.bundled_manifest` writes them.

    Returns:
        path (relative to ``data``) and subject_id.
    """
    parts = [_of_set(data, name) for name in _SETS]
    heads = sorted(path.name for path in (data / "hc18/images").iterdir())
    parts.append(
        pd.DataFrame(
            {
                "path": [f"hc18/images/{name}" for name in heads],
                "subject_id": [f"hc-{name.split('_')[0]}" for name in heads],
            }
        )
    )
    table = pd.concat(parts, ignore_index=True).drop_duplicates("path")
    return table[~table["subject_id"].isin(set(study["subject_id"]))].reset_index(drop=True)


def _of_set(data: Path, name: str) -> pd.DataFrame:
    table = pd.read_csv(data / name / "manifest.csv", dtype=str)
    abnormal = (
        table["label"] != "normal"
        if name == "fetal-brain-abnormalities"
        else pd.Series(False, index=table.index)
    )
    # all sets of FETAL_PLANES_DB number patients alike; abnormal findings have numbers of their own
    return pd.DataFrame(
        {
            "path": name + "/" + table["path"],
            "subject_id": abnormal.map({True: "fa-", False: "fp-"}) + table["subject_id"],
        }
    )
