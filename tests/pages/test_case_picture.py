"""A case's picture is shown as long as it is there."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from pages.parts import case_picture


def test_a_picture_that_is_deleted_is_shown_no_more_and_one_that_comes_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pictures: dict[str, np.ndarray] = {}
    reviewed = SimpleNamespace(find_image=pictures.get, bundle=None, digest="d")
    monkeypatch.setattr(case_picture, "load_reviewed", lambda _: reviewed)
    assert case_picture.case_tile("run", "a", None) is None
    pictures["a"] = np.zeros((8, 8, 3), np.uint8)
    assert case_picture.case_tile("run", "a", None) is not None
    del pictures["a"]
    assert case_picture.case_tile("run", "a", None) is None


def test_where_the_model_looked_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def predict(images: list[np.ndarray]) -> list[SimpleNamespace]:
        asked.append(len(images))
        return [SimpleNamespace(heatmap=np.ones((8, 8), np.float32))]

    image = np.full((8, 8, 3), 7, np.uint8)
    reviewed = SimpleNamespace(find_image=lambda _: image, bundle="bundle", digest="once")
    monkeypatch.setattr(case_picture, "load_reviewed", lambda _: reviewed)
    monkeypatch.setattr(
        case_picture, "load_classifier", lambda *_: SimpleNamespace(predict=predict)
    )
    for _ in range(2):
        tile = case_picture.case_tile("run", "a", None)
        assert tile is not None
        assert tile.heatmap.all()
    assert asked == [1]
