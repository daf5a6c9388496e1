"""Parts on one sheet: each whole, none on another, and places found again in the picture."""

from __future__ import annotations

import numpy as np
import pytest

from vmcore.imaging import Region
from vmcore.imaging.mosaic import lay_out


def noise(shape: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(1).integers(30, 256, (*shape, 3), np.uint8)


def parts(seed: int, shape: tuple[int, int], count: int) -> list[Region]:
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        height, width = (int(rng.integers(8, side // 2)) for side in shape)
        row, column = (int(rng.integers(0, shape[0] - height)), int(rng.integers(0, shape[1] - width)))  # fmt: skip
        found.append(Region(row, column, height, width))
    return found


@pytest.mark.parametrize("seed", range(6))
def test_every_part_lies_on_the_sheet_whole_and_alone(seed: int) -> None:
    image = noise((200, 300))
    wanted = parts(seed, (200, 300), 1 + seed)
    sheet = lay_out(image, wanted, [1.0, 2.0])
    taken = np.zeros(sheet.pixels.shape[:2], int)
    for part, row, column, scale in sheet.tiles:
        height, width = round(scale * part.height), round(scale * part.width)
        taken[row : row + height, column : column + width] += 1
        if scale == 1.0:
            shown = sheet.pixels[row : row + height, column : column + width]
            piece = image[part.row : part.row + height, part.column : part.column + width]
            assert np.array_equal(shown, piece)
    assert len(sheet.tiles) == 2 * len(wanted)
    assert taken.max() == 1
    assert not sheet.pixels[taken == 0].any()
    assert all(side % 160 == 0 for side in sheet.pixels.shape[:2])


@pytest.mark.parametrize("seed", range(6))
def test_a_place_on_the_sheet_is_found_in_the_picture(seed: int) -> None:
    sheet = lay_out(noise((200, 300)), parts(seed, (200, 300), 4), [1.3, 1.75])
    for part, row, column, scale in sheet.tiles:
        inner = np.array([[2, 3], [6, 3], [6, 7], [2, 7]], np.float32)
        found = sheet.place_of(inner * scale + (column, row))
        assert found is not None
        np.testing.assert_allclose(found, np.add(inner, (part.column, part.row)), atol=1e-3)


def test_a_place_between_parts_is_none() -> None:
    sheet = lay_out(noise((100, 100)), [Region(0, 0, 20, 20)], [1.0])
    assert sheet.place_of(np.full((4, 2), 50, np.float32)) is None
