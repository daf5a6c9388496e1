"""Splits: nobody on two sides, both classes everywhere, shares as near as they can be."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.conftest import ROOT
from vmcore.data import ManifestError, Splits, label_numbers, make_splits

FRACTIONS = (0.1, 0.15, 0.2, 0.3, 0.4, 0.45)


def study(sizes: Sequence[int], positive: int, sources: int = 1) -> pd.DataFrame:
    """Subjects of these sizes, the first ones with ventriculomegaly."""
    rows = [
        (f"{subject}/{image}.png", int(subject < positive), f"s{subject}", f"h{subject % sources}")
        for subject, size in enumerate(sizes)
        for image in range(size)
    ]
    return pd.DataFrame(rows, columns=["path", "label", "subject_id", "source"])


def studies() -> dict[str, pd.DataFrame]:
    """Few positives, subjects of very different size, some with both classes, several sources."""
    rng = np.random.default_rng(8)
    uneven = (1 + rng.pareto(1.5, 120) * 2).astype(int).clip(max=60)
    mixed = study(rng.integers(1, 6, 80).tolist(), 9)
    mixed.loc[rng.random(len(mixed)) < 0.05, "label"] = 1
    return {
        "as few positives as can be": study([3] * 60, 6),
        "few positives of uneven size": study([40, 1, 2, 1, 9, 3, *[2] * 90], 6),
        "uneven": study(uneven.tolist(), 30),
        "both classes": mixed,
        "sources": study(rng.integers(1, 5, 200).tolist(), 60, sources=4),
    }


STUDIES = studies()


def parts(splits: Splits) -> Iterator[np.ndarray]:
    yield splits.test
    for fold in splits.folds:
        yield fold.train
        yield fold.validation


@pytest.mark.parametrize("name", STUDIES)
@pytest.mark.parametrize("fraction", FRACTIONS)
def test_every_part_has_both_classes_and_nobody_stands_on_two_sides(
    name: str, fraction: float
) -> None:
    manifest = STUDIES[name]
    labels, subjects = label_numbers(manifest), manifest["subject_id"].to_numpy()
    for seed in range(3):
        splits = make_splits(manifest, fraction, seed=seed)
        for rows in parts(splits):
            assert set(labels[rows]) == {0, 1}
        for fold in splits.folds:
            sides = [set(subjects[rows]) for rows in (fold.train, fold.validation, splits.test)]
            assert sum(map(len, sides)) == len(set(subjects))
        seen = np.concatenate([splits.test, *(fold.validation for fold in splits.folds)])
        assert sorted(seen) == list(range(len(manifest)))


@pytest.mark.parametrize("fraction", FRACTIONS)
def test_the_share_that_is_asked_for_is_held_out_of_each_class_and_source(fraction: float) -> None:
    manifest = STUDIES["sources"]
    labels = label_numbers(manifest)
    strata = manifest["source"] + manifest["label"].astype(str)
    for seed in range(4):
        splits = make_splits(manifest, fraction, seed=seed)
        assert len(splits.test) == pytest.approx(fraction * len(manifest), abs=1)
        for label in (0, 1):
            wanted = fraction * (labels == label).sum()
            assert (labels[splits.test] == label).sum() == pytest.approx(wanted, abs=1)
        held = strata.iloc[splits.test].value_counts()
        for stratum, count in strata.value_counts().items():
            assert held[stratum] == pytest.approx(fraction * count, abs=2)
        shares = [len(fold.validation) for fold in splits.folds]
        assert max(shares) - min(shares) <= 2


def distance(held: np.ndarray, shares: np.ndarray, sizes: np.ndarray, classes: np.ndarray) -> float:
    """Squared distance of images from the expected ones over the expected, whole and by class."""
    total = 0.0
    for chosen, share in ((held, shares[0]), (~held, shares[1])):
        for kind in (classes >= 0, classes == 0, classes == 1):
            expected = share * sizes[kind].sum()
            total += (sizes[kind & chosen].sum() - expected) ** 2 / expected
    return total


@pytest.mark.parametrize("fraction", [0.15, 0.3, 0.4])
@pytest.mark.parametrize(
    "case", [0, *(pytest.param(case, marks=pytest.mark.long) for case in range(1, 6))]
)
def test_no_other_test_set_would_be_nearer(fraction: float, case: int) -> None:
    """Against all test sets that leave both classes for every fold, tried one by one."""
    rng = np.random.default_rng(case)
    sizes, positive = rng.integers(1, 12, 12), int(rng.integers(4, 8))
    classes = (np.arange(12) < positive).astype(int)
    shares = np.array([fraction, 1 - fraction])
    best = np.inf
    for count in range(2, 11):
        for chosen in combinations(range(12), count):
            held = np.isin(np.arange(12), chosen)
            inside, left = np.bincount(classes[held], minlength=2), np.bincount(classes[~held])
            if inside.min() >= 1 and len(left) == 2 and left.min() >= 2:
                best = min(best, distance(held, shares, sizes, classes))
    manifest = study(sizes.tolist(), positive)
    splits = make_splits(manifest, fraction, folds=2, seed=case)
    tested = set(manifest["subject_id"].iloc[splits.test])
    held = np.array([f"s{number}" in tested for number in range(12)])
    # expected counts are taken in sixteenths of an image
    assert distance(held, shares, sizes, classes) == pytest.approx(best, abs=0.05)


@pytest.mark.parametrize("by", ["subject", "image"])
def test_a_study_is_refused_only_where_there_is_no_such_split(by: str) -> None:
    for positive in range(1, 9):
        manifest = study([1] * 40, positive)
        for seed in range(5):
            if positive < 6:
                with pytest.raises(
                    ManifestError, match=f"There are {positive} {by}s with label vent"
                ):
                    make_splits(manifest, 0.15, 5, seed, by)  # type: ignore[arg-type]
            else:
                made = make_splits(manifest, 0.15, 5, seed, by)  # type: ignore[arg-type]
                assert all(set(manifest["label"].iloc[rows]) == {0, 1} for rows in parts(made))


def test_subjects_with_both_classes_count_for_both() -> None:
    rows = [(f"{s}-{label}", label, f"s{s}") for s in range(6) for label in (0, 1)]
    manifest = pd.DataFrame(rows, columns=["path", "label", "subject_id"])
    for seed in range(10):
        for part in parts(make_splits(manifest, seed=seed)):
            assert set(manifest["label"].iloc[part]) == {0, 1}


def test_the_order_of_the_list_and_the_process_do_not_matter(tmp_path: Path) -> None:
    manifest = STUDIES["uneven"]
    expected = manifest["path"].iloc[make_splits(manifest, seed=4).test]
    other = manifest.sample(frac=1, random_state=1).reset_index(drop=True)
    assert set(other["path"].iloc[make_splits(other, seed=4).test]) == set(expected)
    manifest.to_csv(tmp_path / "m.csv", index=False)
    code = (
        "import sys, pandas as pd; from vmcore.data import make_splits; "
        "print(*make_splits(pd.read_csv(sys.argv[1]), seed=4).test)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "m.csv")], cwd=ROOT, check=True, text=True,
        capture_output=True, env=os.environ | {"PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "1"},
    ).stdout  # fmt: skip
    assert [int(word) for word in said.split()] == make_splits(manifest, seed=4).test.tolist()


def test_ten_thousand_images_of_three_thousand_subjects_are_split_evenly() -> None:
    rng = np.random.default_rng(0)
    manifest = study(rng.integers(1, 6, 3300).tolist(), 300, sources=4)
    assert len(manifest) > 9000
    labels = label_numbers(manifest)
    splits = make_splits(manifest, 0.4)
    assert np.bincount(labels[splits.test]) == pytest.approx(np.bincount(labels) * 0.4, abs=1)
    for fold in splits.folds:
        assert np.bincount(labels[fold.validation]) == pytest.approx(
            np.bincount(labels) * 0.12, abs=2
        )


def table(subjects: int = 60, images: int = 4, share: float = 0.3) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    labels = rng.random(subjects) < share
    rows = [
        (
            f"{subject}/{image}.png",
            "ventriculomegaly" if labels[subject] else "normal",
            f"s{subject}",
        )
        for subject in range(subjects)
        for image in range(int(rng.integers(1, images + 1)))
    ]
    return pd.DataFrame(rows, columns=["path", "label", "subject_id"])


def test_no_subject_stands_on_two_sides() -> None:
    manifest = table()
    splits = make_splits(manifest, seed=3)
    subjects = manifest["subject_id"].to_numpy()
    test = set(subjects[splits.test])
    for fold in splits.folds:
        train, validation = set(subjects[fold.train]), set(subjects[fold.validation])
        assert not train & validation
        assert not (train | validation) & test


def test_every_image_is_validated_once_or_tested() -> None:
    manifest = table()
    splits = make_splits(manifest, seed=1)
    seen = np.concatenate([splits.test, *(fold.validation for fold in splits.folds)])
    assert sorted(seen) == list(range(len(manifest)))
    assert len(splits.test) / len(manifest) == pytest.approx(0.15, abs=0.01)


def test_classes_are_spread_evenly() -> None:
    manifest = table(120)
    labels = label_numbers(manifest)
    for fold in make_splits(manifest, seed=2).folds:
        assert labels[fold.validation].mean() == pytest.approx(labels.mean(), abs=0.02)


def test_a_seed_reproduces_its_split() -> None:
    manifest = table()
    first, again, other = (make_splits(manifest, seed=seed).test for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_papers_counts_come_out_image_wise() -> None:
    manifest = pd.DataFrame(
        {"label": ["normal"] * 680 + ["ventriculomegaly"] * 143, "subject_id": "one"}
    )
    splits = make_splits(manifest, by="image")
    labels = label_numbers(manifest)
    assert np.bincount(labels[splits.test]).tolist() == [102, 21]
    assert {len(fold.train) for fold in splits.folds} == {560}
    assert {len(fold.validation) for fold in splits.folds} == {140}
    assert splits.by == "image"


def test_splits_that_cannot_be_made_are_refused() -> None:
    with pytest.raises(ManifestError, match="one class only"):
        make_splits(table().assign(label="normal"))
    with pytest.raises(ManifestError, match="subjects with label ventriculomegaly"):
        make_splits(table(12, share=0.2))
    with pytest.raises(ManifestError, match="5 images with label ventriculomegaly"):
        make_splits(study([1] * 30, 5), by="image")
    with pytest.raises(ValueError, match="test_fraction"):
        make_splits(table(), test_fraction=0.7)
    with pytest.raises(ValueError, match="2 folds"):
        make_splits(table(), folds=1)


def test_a_fetus_in_several_spellings_stays_on_one_side() -> None:
    spellings = ("P{}", " P{}", "p{}", "P{}\N{NO-BREAK SPACE}")
    rows = [
        (f"{number}-{at}.png", int(number % 2), spelling.format(number))
        for number in range(16)
        for at, spelling in enumerate(spellings)
    ]
    table = pd.DataFrame(rows, columns=["path", "label", "subject_id"])
    splits = make_splits(table, 0.2, folds=3)
    fetus = table.index.to_numpy() // 4
    for fold in splits.folds:
        sides = [set(fetus[rows]) for rows in (fold.train, fold.validation, splits.test)]
        assert sum(map(len, sides)) == 16


def test_the_same_picture_of_two_subjects_stays_on_one_side() -> None:
    table = study([2] * 40, 12)
    pairs = [(f"{one}/0.png", f"{one + 20}/1.png") for one in range(20)]
    splits = make_splits(table, 0.2, folds=4, same=pairs)
    side = dict(zip(table["path"], splits.table(table)["part"], strict=True))
    assert all(side[one] == side[other] for one, other in pairs)
    assert any(side[f"{one}/0.png"] == "test" for one in range(20))
