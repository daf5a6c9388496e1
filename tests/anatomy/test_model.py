"""The bundled anatomy model, from its folder to millimetres, on heads whose truth is known."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.imaging.test_reading import packaged
from vmcore.anatomy import AnatomyError, AnatomyModel
from vmcore.data.phantom import Phantom, make_phantom
from vmcore.imaging import read_scan
from vmcore.settings import settings

WIDTHS = (5.0, 6.5, 8.0, 9.0, 11.0, 13.0)


@pytest.fixture(scope="module")
def model() -> AnatomyModel:
    return AnatomyModel.load()


@pytest.fixture(scope="module")
def heads() -> list[Phantom]:
    return [make_phantom(width, 500 + at) for at, width in enumerate(WIDTHS)]


def test_phantoms_are_measured_in_millimetres(model: AnatomyModel, heads: list[Phantom]) -> None:
    true, told = [], []
    for phantom in heads:
        anatomy = model.find(phantom.clean, phantom.spacing_mm)
        assert anatomy.head is not None
        (x, y), (_, short), _ = phantom.head
        np.testing.assert_allclose(anatomy.head.ellipse.centre, (y, x), atol=0.04 * short)
        expected = short * phantom.spacing_mm[0]
        assert anatomy.head.biparietal_diameter_mm == pytest.approx(expected, rel=0.06)
        if anatomy.atrium is not None:
            true.append(phantom.atrial_width_mm)
            told.append(anatomy.atrium.width_mm)
            middle = (np.array(anatomy.atrium.start) + anatomy.atrium.end) / 2
            truth = np.array(phantom.atrium).mean(0)
            assert np.hypot(*(middle - truth)) < 0.15 * short
            assert anatomy.atrium.side == "far"
    assert len(told) >= len(heads) - 1
    assert np.abs(np.subtract(told, true)).mean() < 1.0
    assert np.corrcoef(told, true)[0, 1] > 0.95  # a network that says the same of all would not


def test_wider_ventricles_of_one_size_of_head_measure_wider(model: AnatomyModel) -> None:
    shares = []
    for width in (5.0, 7.0, 9.5):  # all fit into a small head, so its size stays the same
        anatomy = model.find(make_phantom(width, 77).clean)
        assert anatomy.atrium is not None
        shares.append(anatomy.atrium.head_share)
    assert np.diff(shares).min() > 0.01


def test_a_scale_that_no_head_has_gives_no_millimetres(
    model: AnatomyModel, heads: list[Phantom]
) -> None:
    anatomy = model.find(heads[3].clean, (1.0, 1.0))
    assert anatomy.scale_doubtful
    assert anatomy.head is not None
    assert anatomy.head.circumference_mm is None
    assert anatomy.atrium is None or anatomy.atrium.width_mm is None


def test_a_picture_without_a_head_has_none(model: AnatomyModel) -> None:
    black, grey = np.zeros((300, 400, 3), np.uint8), np.full((300, 400, 3), 80, np.uint8)
    others = [
        read_scan(packaged(name)).frames[0]  # real scans of other organs, as pydicom ships them
        for name in ("examples_palette.dcm", "examples_rgb_color.dcm")
    ]
    for picture in (black, grey, *others):
        anatomy = model.find(picture)
        assert anatomy.head is None
        assert anatomy.atrium is None
        assert not anatomy.structures.any()


def test_threads_get_their_own_answers(model: AnatomyModel, heads: list[Phantom]) -> None:
    alone = [model.find(one.clean) for one in heads]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda one: model.find(one.clean), heads))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one.structures, other.structures)
        assert one.atrium == other.atrium


def test_a_turned_head_is_measured_alike(model: AnatomyModel, heads: list[Phantom]) -> None:
    phantom = heads[3]
    height, width = phantom.clean.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 25, 0.9)
    turned = cv2.warpAffine(phantom.clean, turn, (width, height), flags=cv2.INTER_AREA)
    straight, other = model.find(phantom.clean).atrium, model.find(turned).atrium
    assert straight is not None
    assert other is not None
    assert other.head_share == pytest.approx(straight.head_share, rel=0.15)


@pytest.mark.parametrize(
    "bad", [np.zeros((40, 40), np.uint8), np.zeros((40, 40, 3)), np.zeros((8, 40, 3), np.uint8)]
)
def test_what_is_no_picture_is_refused(model: AnatomyModel, bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"must be|needs"):
        model.find(bad)


@pytest.mark.parametrize("spacing", [(0.0, 0.2), (-1.0, 0.2), (np.nan, 0.2), (np.inf, 1.0)])
def test_a_spacing_that_is_no_length_is_refused(
    model: AnatomyModel, spacing: tuple[float, float]
) -> None:
    with pytest.raises(ValueError, match="positive lengths"):
        model.find(np.zeros((40, 40, 3), np.uint8), spacing)


@pytest.mark.parametrize("name", ["anatomy.json", "network.xml", "network.bin"])
@pytest.mark.parametrize("content", [None, b"", b"nonsense"])
def test_a_damaged_folder_is_named(tmp_path: Path, name: str, content: bytes | None) -> None:
    folder = shutil.copytree(settings().anatomy, tmp_path / "anatomy")
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(AnatomyError, match="anatomy"):
        AnatomyModel.load(folder)


def test_a_network_of_another_kind_is_refused(tmp_path: Path) -> None:
    folder = shutil.copytree(settings().anatomy, tmp_path / "anatomy")
    text = (folder / "network.xml").read_text()
    (folder / "network.xml").write_text(text.replace('"192"', '"160"').replace(",192,", ",160,"))
    with pytest.raises(AnatomyError, match="anatomy"):
        AnatomyModel.load(folder)


def test_the_card_says_what_was_measured_and_what_it_does_not_prove() -> None:
    card = AnatomyModel.load().card
    figures = [row for rows in card.metrics.values() for row in rows]
    assert {"set", "figure", "value"} <= set(figures[0])
    assert any("outlined by experts" in caution for caution in card.cautions)
    assert json.loads(card.model_dump_json())["licence"]


@pytest.mark.parametrize("number", range(6))
def test_grain_is_no_head(model: AnatomyModel, number: int) -> None:
    rng = np.random.default_rng(number)
    grain = rng.integers(0, 60 + 35 * number, (420, 560, 1), dtype=np.uint8)
    found = model.find(np.repeat(grain, 3, axis=2))
    assert found.head is None
    assert found.atrium is None


def test_of_two_heads_at_most_one_is_measured_and_in_itself(model: AnatomyModel) -> None:
    left, right = make_phantom(6.0, 1, shape=(400, 420)), make_phantom(14.0, 2, shape=(400, 420))
    found = model.find(np.hstack([left.clean, right.clean]))
    if found.head is not None and found.atrium is not None:
        for row, column in (found.atrium.start, found.atrium.end):
            assert np.hypot(*found.head.ellipse.level(row, column)) < 1


def test_an_upside_down_head_is_still_a_head(model: AnatomyModel) -> None:
    phantom = make_phantom(8.0, 5, shape=(480, 640))
    upright = model.find(phantom.clean, phantom.spacing_mm)
    turned = model.find(np.ascontiguousarray(phantom.clean[::-1]), phantom.spacing_mm)
    assert upright.head is not None
    assert turned.head is not None
    assert turned.head.circumference_mm == pytest.approx(upright.head.circumference_mm, rel=0.04)


def test_colour_doppler_does_not_break_the_finding(model: AnatomyModel) -> None:
    phantom = make_phantom(8.0, 5, shape=(480, 640))
    doppler = phantom.clean.copy()
    doppler[200:260, 250:340] = (220, 40, 30)
    doppler[230:260, 300:340] = (30, 60, 220)
    found = model.find(doppler, phantom.spacing_mm)
    assert found.head is not None
    assert found.atrium is None or found.atrium.width_mm < 30
