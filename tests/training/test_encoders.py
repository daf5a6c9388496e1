"""What the comparison of starts is made of: whose images are kept apart, and its figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from train.encoders import part_of
from train.encoders_data import unlabelled_table
from train.encoders_figures import figures_of


@pytest.fixture(scope="module")
def study() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    count = 120
    return pd.DataFrame(
        {
            "path": [f"{row}.png" for row in range(count)],
            "subject_id": [f"s{row // 3}" for row in range(count)],
            "label": np.where(np.arange(count) // 3 % 4 == 0, "ventriculomegaly", "normal"),
            "source": rng.choice(["findings", "hc18", "screening", "phantom"], count // 3).repeat(
                3
            ),
        }
    )


def test_a_part_takes_whole_subjects_of_every_source_and_class(study: pd.DataFrame) -> None:
    rows = np.arange(90)
    part = part_of(study, rows, 0.25, 1).train
    assert len(part) < 45
    chosen = set(study["subject_id"].iloc[part])
    assert set(rows[study["subject_id"].iloc[rows].isin(chosen)]) == set(part)
    kinds = study.iloc[rows][["source", "label"]].drop_duplicates()
    assert len(study.iloc[part][["source", "label"]].drop_duplicates()) == len(kinds)
    assert np.array_equal(part, part_of(study, rows, 0.25, 1).train)
    assert not np.array_equal(part, part_of(study, rows, 0.25, 2).train)
    assert np.array_equal(part_of(study, rows, 1.0, 1).train, rows)


def test_areas_are_scikit_learns_on_real_images_and_differences_are_paired(
    study: pd.DataFrame,
) -> None:
    rng = np.random.default_rng(1)
    labels = (study["label"] == "ventriculomegaly").to_numpy(int)
    weak, strong = (labels * gain + rng.normal(size=len(labels)) for gain in (0.3, 3.0))
    answers = {
        name: pd.DataFrame({"row": np.arange(len(labels)), "probability": one})
        for name, one in (("weak", weak), ("strong", strong))
    }
    found = figures_of(study, answers, draws=40)
    real = (study["source"] != "phantom").to_numpy()
    assert found["images"] == real.sum()
    group = found["all normal"]
    assert isinstance(group, dict)
    expected = roc_auc_score(labels[real], strong[real])
    assert group["strong"]["auc"][0] == pytest.approx(expected, abs=5e-4)
    assert group["weak"]["difference"] == [0.0, 0.0, 0.0]
    difference, low, high = group["strong"]["difference"]
    assert low < difference < high
    assert low > 0
    own = found["hc18"]
    assert isinstance(own, dict)
    kept = real & ((labels == 1) | (study["source"] == "hc18").to_numpy())
    expected = roc_auc_score(labels[kept], weak[kept])
    assert own["weak"]["auc"][0] == pytest.approx(expected, abs=5e-4)


def test_no_fetus_of_the_study_is_among_the_unlabelled(tmp_path: Path) -> None:
    for name in ("fetal-brain-planes", "fetal-planes", "fetal-head-structures"):
        (tmp_path / name).mkdir()
        table = pd.DataFrame(
            {"path": ["a.png", "b.png"], "subject_id": ["Patient1", f"Patient-{name}"]}
        )
        table.to_csv(tmp_path / name / "manifest.csv", index=False)
    (tmp_path / "fetal-brain-abnormalities").mkdir()
    pd.DataFrame(
        {
            "path": ["n.jpg", "x.jpg", "y.jpg"],
            "subject_id": ["Patient1", "cyst-20", "cyst-21"],
            "label": ["normal", "other", "other"],
        }
    ).to_csv(tmp_path / "fetal-brain-abnormalities/manifest.csv", index=False)
    (tmp_path / "hc18/images").mkdir(parents=True)
    for name in ("010_HC.png", "010_2HC.png", "011_HC.png"):
        (tmp_path / "hc18/images" / name).touch()
    study = pd.DataFrame({"subject_id": ["fp-Patient1", "hc-010", "fa-cyst-20"]})
    assert sorted(unlabelled_table(tmp_path, study)["path"]) == [
        "fetal-brain-abnormalities/y.jpg", "fetal-brain-planes/b.png",
        "fetal-head-structures/b.png", "fetal-planes/b.png", "hc18/images/011_HC.png",
    ]  # fmt: skip
