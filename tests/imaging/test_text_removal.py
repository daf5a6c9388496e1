"""Text is found where there is some, looked for again near it, and nowhere else."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import cv2
import numpy as np
import psutil
import pytest
from PIL import Image, ImageDraw, ImageFont

from vmcore import resting
from vmcore.data.phantom import make_phantom
from vmcore.imaging import Region, rest_text_search
from vmcore.imaging import text_removal as removal
from vmcore.imaging.text import find_text


def on_black(*lines: tuple[str, int, int, float]) -> np.ndarray:
    """Words beside a bright disc: (words, x, y, size)."""
    frame = np.zeros((480, 900, 3), np.uint8)
    disc = np.zeros(frame.shape[:2], np.uint8)
    cv2.circle(disc, (600, 240), 200, 1, -1)
    speckle = np.random.default_rng(0).integers(40, 120, (*frame.shape[:2], 1), np.uint8)
    frame = np.where(disc[..., None] > 0, speckle, frame).astype(np.uint8)
    for words, x, y, size in lines:
        cv2.putText(frame, words, (x, y), 0, size, (230, 230, 230), 1, cv2.LINE_AA)
    return frame


def covers(regions: tuple[Region, ...], x: int, y: int) -> bool:
    return any(
        r.row <= y < r.row + r.height and r.column <= x < r.column + r.width for r in regions
    )


def test_a_picture_without_text_costs_one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []
    plain = removal.detect_text
    monkeypatch.setattr(removal, "detect_text", lambda *a: looks.append(1) or plain(*a))
    image = make_phantom(9.0, 1, shape=(540, 800)).image
    assert removal.text_in(image) == ()
    assert removal.remove_text(image, ()).image is image
    assert len(looks) == 1


def test_text_beside_and_on_the_scan_is_found() -> None:
    frame = on_black(("DOE JANE 1990", 30, 60, 0.6), ("GA 21w3d", 560, 250, 0.7))
    found = removal.text_in(frame)
    assert covers(found, 90, 55)
    assert covers(found, 610, 243)
    assert not covers(found, 600, 400)


@pytest.mark.parametrize("beside", [True, False])
def test_what_was_read_as_text_is_not_read_again(
    monkeypatch: pytest.MonkeyPatch, beside: bool
) -> None:
    read: list[tuple[float, ...]] = []
    plain = removal.reads_as_text

    def noting(image: np.ndarray, boxes: list, scale: float) -> list[bool]:
        read.extend(tuple(box.corners.ravel().tolist()) for box in boxes)
        return plain(image, boxes, scale)

    monkeypatch.setattr(removal, "reads_as_text", noting)
    x = 30 if beside else 480
    frame = on_black(("GA 21w3d", x, 200, 0.7), ("BPD 52 mm", x, 250, 0.7), ("HC 190", x, 300, 0.7))
    assert len(removal.text_in(frame)) >= 3
    assert 0 < len(read) == len(set(read))


@pytest.mark.long
def test_what_looking_works_in_goes_back_and_the_same_is_found_again() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
        apart.submit(_look_and_rest).result()  # whose memory is not that of other tests


def _look_and_rest() -> None:
    frame = on_black(("DOE JANE 1990", 30, 60, 0.6))
    found = find_text(frame)
    at_rest = _own_memory()
    assert find_text(frame) == found != ()
    assert _own_memory() - at_rest < 20, "nobody would have it rest"
    resting.keep_until_idle()
    assert find_text(frame) == found
    assert _own_memory() - at_rest > 30
    rest_text_search()
    assert _own_memory() - at_rest < 20
    assert find_text(frame) == found


def _own_memory() -> float:
    return psutil.Process().memory_full_info().uss / 2**20


def test_text_that_is_only_found_enlarged_is_found_near_other_text() -> None:
    frame = on_black(("DOE JANE 1990", 30, 60, 0.6), ("ID 88-1234", 40, 80, 0.27))
    first = removal.text_in(frame)
    cleaned = removal.remove_text(frame, first)
    assert cleaned.image[70:84, 36:110].max() < 60
    assert cleaned.mask[76, 60]
    assert find_text(cleaned.image) == ()


def test_what_is_left_beside_the_scan_is_looked_at_wherever_it_is() -> None:
    frame = on_black(("DOE JANE 1990", 30, 60, 0.6), ("88-1234 X", 60, 460, 0.27))
    cleaned = removal.remove_text(frame, (Region(40, 20, 30, 170),))
    assert cleaned.mask[456, 80]


def test_pixels_outside_the_mask_are_the_frames_own() -> None:
    frame = on_black(("DOE JANE 1990", 30, 60, 0.6), ("GA 21w3d", 560, 250, 0.7))
    cleaned = removal.remove_text(frame, removal.text_in(frame))
    assert np.array_equal(cleaned.image[~cleaned.mask], frame[~cleaned.mask])
    assert cleaned.mask.any()


@pytest.mark.parametrize("shape", [(300, 400), (2400, 3000), (400, 9000)])
def test_no_sheet_is_larger_than_memory_allows_and_nothing_is_left_out(
    shape: tuple[int, int],
) -> None:
    parts = [Region(0, 0, *shape), Region(10, 10, 30, 90)]
    seen = np.zeros(shape, bool)
    for some in removal._portions(parts, 1.2):
        area = sum(one.height * one.width for one in some)
        assert area * 1.44 * (1.3**2 + 1.75**2) <= removal._SHEET_PX
        for row, column, height, width in some:
            seen[row : row + height, column : column + width] = True
    assert seen.all()


def test_a_textured_border_is_looked_at_as_one() -> None:
    image = np.zeros((300, 300, 3), np.uint8)
    image[5:295:8, 5:60:8] = 200  # as many dots as nobody writes
    image[5:295:8, 20:60:40] = 0
    sector = np.zeros((300, 300), bool)
    sector[:, 80:] = True
    assert len(removal._lit_beside(image, sector)) <= removal._PIECES


_AROUND_PX = 45


def named(
    size: int, angle: float, grey: int, place: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """A phantom with a name written at an angle, and where: uint8 (H, W, 3), bool (H, W)."""
    words = "DOE, JANE 4711"
    font = ImageFont.load_default(size=size)
    _, _, right, bottom = (int(value) for value in font.getbbox(words))
    layer = Image.new("L", (right + 8, bottom + 8), 0)
    ImageDraw.Draw(layer).text((4, 4), words, fill=255, font=font)
    turned = np.asarray(layer.rotate(angle, expand=True, resample=Image.Resampling.BICUBIC))
    image = make_phantom(9.0, 1, shape=(540, 720)).image.astype(np.float32)
    height, width = turned.shape
    row, column = min(place[0], 540 - height), min(place[1], 720 - width)
    cover = np.zeros(image.shape[:2], np.float32)
    cover[row : row + height, column : column + width] = turned / np.float32(255)
    image += cover[..., None] * (grey - image)
    return np.rint(image).astype(np.uint8), cover > 0.3


@pytest.mark.parametrize(
    ("size", "angle", "grey"),
    [
        (20, 90, 220), (20, 30, 220), (73, 0, 220), (20, 0, 60),
        *(
            pytest.param(*told, marks=pytest.mark.long)
            for told in (
                (20, 270, 220), (20, 180, 220), (20, -30, 220), (18, 45, 220), (50, 0, 220), (60, 90, 200),
                (20, 90, 90),
            )
        ),
    ],
)  # fmt: skip
def test_names_are_found_however_they_stand(size: int, angle: float, grey: int) -> None:
    image, letters = named(size, angle, grey, (20, 10))
    if grey < 100:  # dim: beside the scan, on black
        image, letters = dimmed(size, angle, grey)
    regions = removal.text_in(image)
    mask = removal.remove_text(image, regions).mask
    assert (mask & letters).sum() >= 0.95 * letters.sum()
    rows, columns = np.nonzero(letters)
    top, left = max(rows.min() - _AROUND_PX, 0), max(columns.min() - _AROUND_PX, 0)
    mask[top : rows.max() + _AROUND_PX, left : columns.max() + _AROUND_PX] = False
    assert mask.mean() < 0.001  # the box around the name, and not the scan


def dimmed(size: int, angle: float, grey: int) -> tuple[np.ndarray, np.ndarray]:
    _, letters = named(size, angle, grey, (200, 10))
    wide = np.zeros((540, 1000, 3), np.uint8)
    wide[:, 280:] = make_phantom(9.0, 1, shape=(540, 720)).image
    place = np.zeros(wide.shape[:2], bool)
    place[:, :720] |= letters
    wide[place] = grey
    return wide, place
