"""Out-of-distribution detection: distances by hand, limits that hold their share, organs told from heads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from vmcore.models import BundleError, load_ood_detector
from vmcore.models.ood import linear_score, nearest_distance
from vmcore.training import fit_ood_detector


def cloud(count: int, shift: float = 0.0, seed: int = 0) -> np.ndarray:
    """Embeddings (2, count, 12) around a centre."""
    values = np.random.default_rng(seed).standard_normal((2, count, 12)).astype(np.float32)
    values[..., 0] += shift
    return values


def names(count: int, prefix: str = "s") -> list[str]:
    return [f"{prefix}{index}" for index in range(count)]


def test_the_distance_is_scikit_learns_mean_over_the_nearest_five() -> None:
    known, asked = cloud(40), cloud(6, seed=1)
    expected = np.zeros(6)
    for fold in range(2):
        found, _ = NearestNeighbors(n_neighbors=5).fit(known[fold]).kneighbors(asked[fold])
        expected += found.mean(axis=1) / np.sqrt(12) / 2
    assert nearest_distance(asked, known) == pytest.approx(expected, abs=1e-4)


def test_the_score_is_the_mean_over_folds() -> None:
    weight, bias = np.ones((2, 12), np.float32), np.array([1.0, 3.0], np.float32)
    asked = cloud(3)
    expected = (asked.sum(axis=2) + bias[:, None]).mean(axis=0)
    assert linear_score(asked, weight, bias) == pytest.approx(expected, abs=1e-5)


def test_new_images_of_the_kind_are_in_domain_and_far_ones_are_not() -> None:
    fit = fit_ood_detector(cloud(300), names(300), share=0.95)
    assert (fit.score(cloud(200, seed=5)) <= 1).mean() > 0.85
    assert (fit.score(cloud(50, seed=6) * 6) > 1).all()


def test_counter_examples_tell_what_the_distance_cannot() -> None:
    heads, organs = cloud(300), cloud(80, shift=2.5, seed=2)
    blind = fit_ood_detector(heads, names(300))
    seeing = fit_ood_detector(heads, names(300), organs, names(80, "o"))
    unseen = cloud(200, shift=2.5, seed=9)
    assert (blind.score(unseen) > 1).mean() < 0.5
    assert (seeing.score(unseen) > 1).mean() > 0.6
    assert (seeing.score(cloud(200, seed=8)) <= 1).mean() > 0.9


def test_an_image_is_not_compared_with_its_own_subject() -> None:
    twins = cloud(60).repeat(2, axis=1)
    subjects = [name for name in names(60) for _ in range(2)]
    alone = fit_ood_detector(twins, names(120), share=0.5)
    apart = fit_ood_detector(twins, subjects, share=0.5)
    assert float(apart.distance_limit) > float(alone.distance_limit)


def test_it_is_written_and_read(tmp_path: Path) -> None:
    fit = fit_ood_detector(cloud(50), names(50), cloud(30, 2.0), names(30, "o"))
    fit.save(tmp_path)
    back = load_ood_detector(tmp_path, 2)
    assert back is not None
    asked = cloud(10, seed=3)
    assert back.score(asked) == pytest.approx(fit.score(asked), abs=1e-2)


def test_a_bundle_of_a_former_version_keeps_its_detector(tmp_path: Path) -> None:
    fit = fit_ood_detector(cloud(50), names(50))
    fit.save(tmp_path)
    (tmp_path / "ood.safetensors").rename(tmp_path / "familiarity.safetensors")
    back = load_ood_detector(tmp_path, 2)
    assert back is not None
    assert float(back.distance_limit) == float(fit.distance_limit)


def test_a_bundle_without_a_detector_has_none(tmp_path: Path) -> None:
    assert load_ood_detector(tmp_path, 2) is None


@pytest.mark.parametrize(
    ("folds", "changed"),
    [
        (3, {}),
        (2, {"distance_limit": np.inf}),
        (2, {"distance_limit": np.nan}),
        (2, {"score_limit": np.nan}),
        (2, {"scale": np.zeros((2, 12), np.float32)}),
        (2, {"bias": np.zeros(3, np.float32)}),
    ],
)
def test_a_detector_that_could_judge_nothing_is_refused(
    tmp_path: Path, folds: int, changed: dict[str, np.ndarray]
) -> None:
    fit = fit_ood_detector(cloud(50), names(50))
    replace(fit, **{name: np.float32(value) for name, value in changed.items()}).save(tmp_path)
    with pytest.raises(BundleError, match="damaged"):
        load_ood_detector(tmp_path, folds)


def test_images_of_one_subject_alone_tell_nothing() -> None:
    with pytest.raises(ValueError, match="at least two subjects"):
        fit_ood_detector(cloud(20), ["s"] * 20)


def test_what_never_changed_in_training_makes_no_image_unknown_by_itself() -> None:
    values = cloud(200)
    values[..., 5] = 0.0
    fit = fit_ood_detector(values, names(200))
    nearly = cloud(40, seed=4)
    nearly[..., 5] = 0.001
    assert (fit.score(nearly) < 2).all()
