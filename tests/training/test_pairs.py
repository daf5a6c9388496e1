"""Pairs of a real head in which nothing but the ventricle differs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vmcore.anatomy import Anatomy, AtriumCalliper, Head, HeadEllipse, Plane
from vmcore.data import Fold
from vmcore.data.phantom import Phantom, make_phantom
from vmcore.training import LabelledImages, PairedHeads, widened_pair


def known(phantom: Phantom, uncertainty: float = 0.005) -> Anatomy:
    """A phantom's own truth as what a model would find."""
    (x, y), (one, other), degrees = phantom.head
    ellipse = HeadEllipse.of_axes((y, x), (one / 2, other / 2), np.deg2rad(degrees))
    start, end = phantom.atrium
    width = float(np.hypot(end[0] - start[0], end[1] - start[1]))
    share = width / ellipse.biparietal_diameter
    mm = width * phantom.spacing_mm[0]
    calliper = AtriumCalliper(start, end, width, mm, share, uncertainty, "far", 0.9, "file")
    return Anatomy(
        np.zeros(phantom.clean.shape[:2], np.uint8), Head(ellipse, None, None), None, calliper,
        Plane(0.9, 0.9, fits=True),
    )  # fmt: skip


def test_both_of_a_pair_differ_in_the_ventricle_only() -> None:
    phantom = make_phantom(5.5, 5, shape=(480, 640))
    anatomy = known(phantom)
    pair = widened_pair(phantom.clean, anatomy, np.random.default_rng(0))
    assert pair is not None
    head_mm = anatomy.head.ellipse.biparietal_diameter * phantom.spacing_mm[0]
    assert pair.normal_share * head_mm <= 9.0
    assert pair.wide_share * head_mm >= 10.5
    assert pair.normal.shape == pair.wide.shape == phantom.clean.shape
    skull_and_beyond = phantom.geometry.outside_mm > -0.5
    for one in (pair.normal, pair.wide):
        change = np.abs(one.astype(int) - phantom.clean)
        assert change[skull_and_beyond].max() <= 2
    assert (pair.wide != pair.normal).mean() > 0.005


def test_colour_that_is_left_stays_where_nothing_moved() -> None:
    phantom = make_phantom(5.5, 5, shape=(480, 640))
    tinted = phantom.clean.copy()
    tinted[:20, :20, 0] = 255
    pair = widened_pair(tinted, known(phantom), np.random.default_rng(0))
    assert pair is not None
    np.testing.assert_array_equal(pair.wide[:20, :20], tinted[:20, :20])


@pytest.mark.parametrize(
    "less",
    [
        lambda anatomy: replace(anatomy, head=None),
        lambda anatomy: replace(anatomy, atrium=None),
        lambda anatomy: replace(anatomy, atrium=replace(anatomy.atrium, uncertainty=0.03)),
        lambda anatomy: replace(anatomy, atrium=replace(anatomy.atrium, width_mm=9.4)),
        # the same share of the head is wide at 30 weeks and normal at 20
        lambda anatomy: replace(anatomy, atrium=replace(anatomy.atrium, width_mm=None)),
    ],
)
def test_no_pair_is_made_of_what_is_not_surely_normal(less) -> None:
    phantom = make_phantom(5.5, 5, shape=(480, 640))
    made = widened_pair(phantom.clean, less(known(phantom)), np.random.default_rng(0))
    assert made is None


def test_a_fold_learns_from_the_pairs_of_its_own_training_heads_only() -> None:
    images = np.arange(6, dtype=np.uint8)[:, None, None, None] * np.ones((1, 3, 224, 224), np.uint8)
    study = LabelledImages(images, np.array([0, 1, 0, 0, 1, 0]), np.array([1, 3, 1, 1, 3, 1.0]))
    fold = Fold(np.array([0, 1, 2]), np.array([3, 4, 5]))
    rows = np.array([0, 3, 5])
    pairs = np.stack([np.full((2, 3, 224, 224), 100 + row, np.uint8) for row in rows])
    more, longer = PairedHeads(rows, pairs).added(study, fold)
    np.testing.assert_array_equal(longer.validation, fold.validation)
    np.testing.assert_array_equal(longer.train, [0, 1, 2, 6, 7])
    np.testing.assert_array_equal(more.labels[6:], [0, 1])
    assert set(np.unique(more.images[6:])) == {100}
    assert more.weights is not None
    np.testing.assert_array_equal(more.weights[6:], [1.0, 1.0])
