"""What the comparison of starts is made of: whose images are kept apart, and its figures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from sklearn.metrics import f1_score, roc_auc_score, roc_curve

from tests.conftest import ROOT
from train.encoders import Recipe, arms
from train.encoders_data import unlabelled_table
from train.encoders_document import encoders_document
from train.encoders_figures import figures_of
from train.encoders_made import made_of
from train.encoders_starts import Start
from train.encoders_steps import Steps, judged_fold, part_of
from vmcore import RESEARCH_USE_ONLY
from vmcore.data import splits_from_parts
from vmcore.training import LabelledImages


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


@pytest.fixture(scope="module")
def answers(study: pd.DataFrame) -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(1)
    labels = (study["label"] == "ventriculomegaly").to_numpy(int)
    folds = np.arange(len(study)) // 3 % 5 + 1
    return {
        name: pd.DataFrame({"row": np.arange(len(study)), "fold": folds, "probability": one})
        for name, gain in (("weak", 0.3), ("strong", 3.0))
        for one in [1 / (1 + np.exp(-labels * gain - rng.normal(size=len(labels))))]
    }


@pytest.fixture(scope="module")
def figures(study: pd.DataFrame, answers: dict[str, pd.DataFrame]) -> dict[str, object]:
    return figures_of(study, answers, draws=40)


def test_areas_are_scikit_learns_on_real_images_and_differences_are_paired(
    study: pd.DataFrame, answers: dict[str, pd.DataFrame], figures: dict[str, object]
) -> None:
    labels = (study["label"] == "ventriculomegaly").to_numpy(int)
    weak, strong = (answers[name]["probability"].to_numpy() for name in ("weak", "strong"))
    real = (study["source"] != "phantom").to_numpy()
    assert figures["images"] == real.sum()
    group = figures["all normal"]
    assert isinstance(group, dict)
    expected = roc_auc_score(labels[real], strong[real])
    assert group["strong"]["auc"][0] == pytest.approx(expected, abs=5e-4)
    assert group["weak"]["auc_difference"] == [0.0, 0.0, 0.0]
    difference, low, high = group["strong"]["auc_difference"]
    assert low < difference < high
    assert low > 0
    own = figures["hc18"]
    assert isinstance(own, dict)
    kept = real & ((labels == 1) | (study["source"] == "hc18").to_numpy())
    expected = roc_auc_score(labels[kept], weak[kept])
    assert own["weak"]["auc"][0] == pytest.approx(expected, abs=5e-4)


def youden(labels: npt.NDArray[np.int64], said: npt.NDArray[np.float64]) -> float:
    false, true, thresholds = roc_curve(labels, said, drop_intermediate=False)
    best = thresholds[np.argmax(true - false)]
    return float((best + said[said < best].max()) / 2)


def test_f1_is_scikit_learns_at_thresholds_of_the_other_folds(
    study: pd.DataFrame, answers: dict[str, pd.DataFrame], figures: dict[str, object]
) -> None:
    labels = (study["label"] == "ventriculomegaly").to_numpy(int)
    real = (study["source"] != "phantom").to_numpy()
    folds, said = (answers["weak"][name].to_numpy() for name in ("fold", "probability"))
    called = np.zeros(len(study), bool)
    for fold in range(1, 6):
        other = real & (folds != fold)
        called[folds == fold] = said[folds == fold] >= youden(labels[other], said[other])
    for against, source in (("all normal", None), ("screening", "screening")):
        kept = real & ((labels == 1) | ((study["source"] == source).to_numpy() if source else True))
        group = figures[against]
        assert isinstance(group, dict)
        expected = f1_score(labels[kept], called[kept])
        assert group["weak"]["f1"][0] == pytest.approx(expected, abs=5e-4)
        low, high = group["weak"]["f1"][1:]
        assert low < expected < high


@pytest.mark.parametrize(
    "words",
    ["usf-mae-tiny:imagenet", "usf-mae-tiny:1.5", "resnet50:random", "efficientnet-lite0:0.75"],
)
def test_a_start_that_there_is_not_gets_a_sentence(words: str) -> None:
    with pytest.raises(ValueError, match="There is no start"):
        Start.of(words)


def test_parts_of_the_subjects_are_learnt_from_where_they_matter(tmp_path: Path) -> None:
    found = arms(Recipe(data=tmp_path))
    assert [share for _, share in found] == [1.0] * 7 + [0.1] * 3 + [0.25] * 3 + [0.5] * 3
    whole = {start for start, share in found if share == 1.0}
    assert {start for start, share in found if share < 1.0} < whole


def test_steps_are_taken_once_and_told_in_the_document(
    tmp_path: Path, figures: dict[str, object]
) -> None:
    rng, count = np.random.default_rng(0), 12
    table = pd.DataFrame(
        {
            "subject_id": [f"s{row}" for row in range(count)],
            "source": "findings",
            "label": np.where(np.arange(count) % 2, "ventriculomegaly", "normal"),
        }
    )
    study = LabelledImages(
        rng.integers(0, 255, (count, 3, 224, 224), np.uint8), np.arange(count, dtype=np.int64) % 2
    )
    splits = splits_from_parts(np.arange(count) // 4 + 1, 0, "subject")
    steps = Steps(work=tmp_path, pretrain_epochs=1, finetune_epochs=1)
    steps.kept_alike()
    asked = []

    def unlabelled() -> npt.NDArray[np.uint8]:
        asked.append(1)
        return rng.integers(0, 255, (2, 224, 224), np.uint8)

    compared = [(Start.of("usf-mae-tiny:0.75"), 1.0), (Start.of("efficientnet-lite0:random"), 0.25)]
    for start, share in compared:
        first = judged_fold(steps, table, study, splits, start, share, 1, unlabelled)
        assert list(first["row"]) == list(splits.folds[0].validation)
        assert first["probability"].between(0, 1).all()
        files = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
        again = judged_fold(steps, table, study, splits, start, share, 1, unlabelled)
        pd.testing.assert_frame_equal(first, again)
        assert files == {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert len(asked) == 1
    made = made_of(steps, compared, "Said by whoever made it.")
    assert made["devices"]
    note = json.loads(next(tmp_path.glob("efficientnet*.json")).read_text())
    assert (note["epochs"], note["images"]) == (4, 2)
    document = encoders_document({"made": made, "shares": {"1": figures, "0.25": figures}})
    assert RESEARCH_USE_ONLY in document
    assert "usf-mae-tiny-0.75: 1 epochs on 2 images" in document
    assert "Said by whoever made it." in document
    strong = figures["same source"]
    assert isinstance(strong, dict)
    assert "{:.2f} ({:.2f} to {:.2f})".format(*strong["strong"]["auc"]) in document
    with pytest.raises(SystemExit, match="other epochs"):
        Steps(work=tmp_path, pretrain_epochs=2, finetune_epochs=1).kept_alike()


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


FIGURES = ROOT / "benchmarks/encoders.json"


def test_the_document_is_written_from_the_kept_figures() -> None:
    document = (ROOT / "docs/encoders.md").read_text()
    assert document == encoders_document(json.loads(FIGURES.read_text()))
