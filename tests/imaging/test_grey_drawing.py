"""White and grey drawing: found on phantoms and on real heads, and nothing else taken for it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from vmcore.data.phantom import OverlaySettings, Phantom, make_phantom
from vmcore.data.phantom.overlays import Drawn, Measured, draw_overlays
from vmcore.imaging import CleaningSettings, Region, clean_frame, read_scan
from vmcore.imaging.drawing.crosses import crosses_in
from vmcore.imaging.drawing.grey import grey_drawing
from vmcore.imaging.drawing.panels import panels_in

WHOLE = CleaningSettings(top_strip=0.0)
NO_TEXT = CleaningSettings(top_strip=0.0, remove_text=False)
CALLIPERS = OverlaySettings(banner=False, settings_text=False, label=False, grey=True, ellipse=True)
RESULTS = OverlaySettings(
    banner=False, settings_text=False, label=False, grey=True, result_box=True
)


@cache
def phantom_of(width: float, seed: int, overlays: OverlaySettings) -> Phantom:
    """A phantom, drawn once for all that look at it; not to be changed."""
    return make_phantom(width, seed, overlays=overlays)


def packed(image: np.ndarray, quality: int | None) -> np.ndarray:
    """As JPEG would bring it back."""
    if quality is None:
        return image
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])


def shares(phantoms: list[Phantom], masks: list[np.ndarray]) -> tuple[float, float]:
    """Share of the drawing that was found, and of the tissue that was lost."""
    found, drawn, lost, tissue = 0, 0, 0, 0
    for phantom, mask in zip(phantoms, masks, strict=True):
        free = phantom.sector & ~phantom.overlay & ~phantom.text
        found += int((mask & phantom.overlay).sum())
        drawn += int(phantom.overlay.sum())
        lost += int((mask & free).sum())
        tissue += int(free.sum())
    return found / drawn, lost / tissue


@pytest.mark.parametrize(
    ("quality", "count"),
    [(90, 8), *(pytest.param(one, 25, marks=pytest.mark.long) for one in (None, 90))],
)
def test_white_callipers_lines_and_ellipses_are_found(quality: int | None, count: int) -> None:
    phantoms = [phantom_of(6 + 0.4 * seed, seed, CALLIPERS) for seed in range(count)]
    masks = [
        clean_frame(packed(phantom.image, quality), settings=NO_TEXT).mask for phantom in phantoms
    ]
    found, lost = shares(phantoms, masks)
    assert found >= 0.95
    assert lost < 0.01


def test_next_to_no_tissue_goes_with_result_boxes() -> None:
    phantoms = [phantom_of(6 + 0.9 * seed, seed, RESULTS) for seed in range(12)]
    masks = [grey_drawing(phantom.image, phantom.text_boxes) for phantom in phantoms]
    assert shares(phantoms, masks)[1] < 0.01


@pytest.mark.long
@pytest.mark.parametrize("quality", [None, 90])
def test_result_boxes_go_with_their_panel(quality: int | None) -> None:
    phantoms = [phantom_of(6 + 0.9 * seed, seed, RESULTS) for seed in range(12)]
    masks = [
        clean_frame(packed(phantom.image, quality), settings=WHOLE).mask for phantom in phantoms
    ]
    found, _ = shares(phantoms, masks)
    assert found >= 0.95


def test_it_is_said_and_can_be_left_out() -> None:
    phantom = make_phantom(12.0, 4, overlays=CALLIPERS)
    clean = clean_frame(phantom.image, settings=NO_TEXT)
    (removal,) = clean.removals
    assert removal.kind == "annotation"
    assert "grey" in removal.why
    assert removal.pixels == clean.mask.sum()
    kept = clean_frame(
        phantom.image, settings=NO_TEXT.model_copy(update={"remove_grey_drawing": False})
    )
    assert np.array_equal(kept.image, phantom.image)


@pytest.mark.parametrize("quality", [None, 90])
def test_a_scan_without_drawing_stays(quality: int | None) -> None:
    for seed in range(12):
        phantom = make_phantom(5 + seed, seed)
        assert not grey_drawing(packed(phantom.image, quality)).any()


@pytest.mark.parametrize("upright", [True, False])
def test_crosses_are_callipers_only_in_pairs(upright: bool) -> None:
    image = make_phantom(9.0, 2).image
    grey = np.ascontiguousarray(image[..., 0])
    places = [(200, 180), (260, 300)]
    for row, column in places:
        ways = ((0, 6), (6, 0)) if upright else ((6, 6), (6, -6))
        for down, right in ways:
            ends = ((column - right, row - down), (column + right, row + down))
            cv2.line(grey, *ends, 240, 1)
        if (row, column) == places[0]:
            assert crosses_in(grey) == ()
    crosses = crosses_in(grey)
    assert [(one.row, one.column, one.arm, one.upright) for one in crosses] == [
        (row, column, 6, upright) for row, column in places
    ]


def test_a_midline_between_two_callipers_is_tissue() -> None:
    phantom = make_phantom(9.0, 3)
    rows, columns = np.nonzero(phantom.geometry.falx)
    first, last = columns.argmin(), columns.argmax()
    drawn = Drawn.blank(phantom.image)
    strokes = np.zeros(phantom.sector.shape, np.uint8)
    for at in (first, last):
        row, column = int(rows[at]), int(columns[at])
        cv2.line(strokes, (column - 6, row), (column + 6, row), 255, 1)
        cv2.line(strokes, (column, row - 6), (column, row + 6), 255, 1)
    drawn.draw(strokes, (250, 250, 250))
    mask = grey_drawing(drawn.image)
    assert (mask & drawn.overlay).sum() >= 0.9 * drawn.overlay.sum()
    assert (mask & phantom.geometry.falx).sum() < 0.1 * phantom.geometry.falx.sum()


def test_text_on_tissue_or_on_black_has_no_panel() -> None:
    phantom = make_phantom(9.0, 6, overlays=OverlaySettings(callipers=False))
    grey = np.ascontiguousarray(phantom.image[..., 0])
    assert panels_in(grey, phantom.text_boxes) == []
    black = np.zeros((200, 300), np.uint8)
    cv2.putText(black, "BPD 4.1 cm", (60, 100), 0, 0.6, 255, 1, cv2.LINE_AA)
    assert panels_in(black, [Region(82, 55, 24, 130)]) == []


@pytest.mark.long
def test_drawing_on_real_heads_is_found(real_data: Path) -> None:
    found, drawn = 0, 0
    for seed, path in enumerate(sorted((real_data / "hc18/images").glob("*_HC.*"))[5::83]):
        image = read_scan(path).frames[0]
        outline = cv2.imread(str(real_data / "hc18/masks" / f"{path.stem}_Mask.png"), 0)
        contours, _ = cv2.findContours(outline, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        head = cv2.fitEllipse(max(contours, key=len))
        column, row = (int(value) for value in head[0])
        measured = Measured(((row + 20, column + 60), (row + 70, column + 55)), head)
        overlaid = draw_overlays(image, 0, 0.15, measured, CALLIPERS, np.random.default_rng(seed))
        mask = grey_drawing(packed(overlaid.image, 92))
        found += int((mask & overlaid.overlay).sum())
        drawn += int(overlaid.overlay.sum())
    assert found >= 0.95 * drawn


def test_real_heads_without_drawing_stay(real_data: Path) -> None:
    paths = sorted((real_data / "hc18/images").glob("*_HC.*"))[::9]
    changed = [path for path in paths if grey_drawing(read_scan(path).frames[0]).any()]
    assert len(changed) <= 0.02 * len(paths)


def test_crosses_without_dots_make_no_ellipse() -> None:
    image = np.full((400, 500, 3), 40, np.uint8)
    for turn in np.arange(6) * np.pi / 3:
        row, column = int(200 + 120 * np.sin(turn)), int(250 + 160 * np.cos(turn))
        for down, right in ((0, 6), (6, 0)):
            ends = ((column - right, row - down), (column + right, row + down))
            cv2.line(image, *ends, (240, 240, 240), 1)
    mask = grey_drawing(image)
    assert mask[image[..., 0] == 240].all()
    assert mask.sum() < 6 * 100


@pytest.mark.parametrize("seed", range(40))
def test_dots_and_crosses_at_every_edge_are_taken_as_they_are(seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width = (int(side) for side in rng.integers(1, 90, 2))
    image = np.zeros((height, width, 3), np.uint8)
    image[::5, -1], image[-1, ::5], image[::4, 0], image[0, ::6] = 250, 250, 240, 230
    for _ in range(4):
        at = (int(rng.integers(0, width)), int(rng.integers(0, height)))
        cv2.drawMarker(image, at, (240, 240, 240), cv2.MARKER_CROSS, 9)
    assert grey_drawing(image, (Region(0, 0, height, width),)).shape == (height, width)
    assert grey_drawing(image).shape == (height, width)
