"""Lists of the images that weights have learnt from: written, read back, refused when damaged."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from train.bundled_card import learnt_images
from vmcore.data import Fold, Splits
from vmcore.models import (
    UNKNOWN,
    Learnt,
    WeightsError,
    create_classifier,
    read_learnt,
    save_bundle,
    write_learnt,
)
from vmcore.training import LabelledImages

FIRST, SECOND = (hashlib.sha256(word).hexdigest() for word in (b"one", b"two"))


def test_a_bundle_keeps_the_list_and_one_without_says_nothing(tmp_path: Path) -> None:
    models = [create_classifier("usf-mae-tiny")]
    learnt = Learnt(frozenset({FIRST, SECOND}), complete=False)
    save_bundle(tmp_path / "b", models, architecture="usf-mae-tiny", learnt=learnt)
    lines = (tmp_path / "b/learnt.txt").read_text().splitlines()
    assert lines[1:] == sorted([FIRST, SECOND])
    assert read_learnt(tmp_path / "b") == learnt
    save_bundle(tmp_path / "b", models, architecture="usf-mae-tiny")
    assert read_learnt(tmp_path / "b") is None


def test_a_plain_list_of_digests_is_a_whole_one(tmp_path: Path) -> None:
    (tmp_path / "learnt.txt").write_text(f"{FIRST}\nfile:{SECOND}\n")
    assert read_learnt(tmp_path) == Learnt(frozenset({FIRST, f"file:{SECOND}"}))


def test_what_two_learnt_is_whole_only_where_both_lists_are() -> None:
    both = Learnt(frozenset({FIRST})) | Learnt(frozenset({SECOND}))
    assert both == Learnt(frozenset({FIRST, SECOND}))
    assert not (both | UNKNOWN).complete


@pytest.mark.parametrize("content", [b"", b"one image\n", FIRST[:40].encode(), b"\xff\xfe\n"])
def test_a_damaged_list_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "learnt.txt").write_bytes(content)
    with pytest.raises(WeightsError, match=r"list of images .* is damaged"):
        read_learnt(tmp_path)


def test_the_list_holds_digests_and_nothing_else(tmp_path: Path) -> None:
    write_learnt(tmp_path, Learnt(frozenset({FIRST})))
    assert (tmp_path / "learnt.txt").read_text() == f"{FIRST}\n"


def test_the_bundled_model_lists_all_but_its_test_images() -> None:
    """Its masked pretraining saw the validation images."""
    images = np.random.default_rng(0).integers(0, 255, (6, 3, 224, 224), np.uint8)
    folds = (
        Fold(np.array([0, 1]), np.array([2, 3])),
        Fold(np.array([2, 3]), np.array([0, 1])),
    )
    splits = Splits(np.array([4, 5]), folds, 0)
    files = [hashlib.sha256(bytes([number])).hexdigest() for number in range(6)]
    listed = learnt_images(LabelledImages(images, np.array([0, 1] * 3)), splits, files)
    expected = {hashlib.sha256(image.tobytes()).hexdigest() for image in images[:4]}
    assert listed == Learnt(frozenset(expected | set(files[:4])))
