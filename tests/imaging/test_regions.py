"""Which part of a picture is judged: the B-mode image, and only that (PS3.3 C.8.5.5)."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence

from tests.imaging.drawn import COLUMNS, ROWS, dataset_of, picture, saved
from vmcore.imaging import Region, Scan, ScanError, read_scan


def region(
    left: int,
    top: int,
    right: int,
    bottom: int,
    *,
    space: int = 1,
    kind: int = 1,
    delta: float = 0.02,
) -> Dataset:
    item = Dataset()
    item.RegionSpatialFormat, item.RegionDataType, item.RegionFlags = space, kind, 0
    item.RegionLocationMinX0, item.RegionLocationMinY0 = left, top
    item.RegionLocationMaxX1, item.RegionLocationMaxY1 = right, bottom
    item.PhysicalUnitsXDirection = item.PhysicalUnitsYDirection = 3
    item.PhysicalDeltaX = item.PhysicalDeltaY = delta
    return item


def read(*items: Dataset) -> Scan:
    dataset = dataset_of(picture())
    dataset.SequenceOfUltrasoundRegions = Sequence(items)
    return read_scan(saved(dataset))


WHOLE = (0, 0, COLUMNS - 1, ROWS - 1)


@pytest.mark.parametrize(
    ("space", "kind", "words"),
    [
        (2, 1, "M-mode"),
        (3, 3, "spectral"),
        (3, 4, "spectral"),
        (4, 10, "trace"),
        (1, 2, "colour flow"),
    ],
)
def test_a_picture_without_a_b_mode_image_is_refused(space: int, kind: int, words: str) -> None:
    with pytest.raises(ScanError, match=f"{words}.*no B-mode image"):
        read(region(*WHOLE, space=space, kind=kind))


def test_traces_beside_a_b_mode_image_do_no_harm() -> None:
    scan = read(region(0, 100, 199, 159, space=3, kind=3), region(0, 0, 199, 99))
    assert scan.region == Region(0, 0, 100, 200)
    assert scan.spacing_mm == pytest.approx((0.2, 0.2))
    assert scan.notes == ()


def test_colour_flow_over_tissue_is_one_view() -> None:
    scan = read(region(50, 50, 150, 120, kind=2), region(*WHOLE))
    assert scan.region == Region(0, 0, ROWS, COLUMNS)
    assert scan.notes == ()


def test_graphics_alone_say_nothing_about_the_picture() -> None:
    scan = read(region(*WHOLE, space=5, kind=16))
    assert scan.region is None
    assert np.array_equal(scan.frames[0], picture())


@pytest.mark.parametrize(
    ("views", "judged", "where"),
    [
        ([(0, 0, 119, 159), (120, 0, 199, 159)], Region(0, 0, 160, 120), "left"),
        ([(0, 0, 79, 159), (80, 0, 199, 159)], Region(0, 80, 160, 120), "right"),
        ([(0, 0, 99, 159), (100, 0, 199, 159)], Region(0, 0, 160, 100), "left"),
        ([(0, 0, 199, 59), (0, 60, 199, 159)], Region(60, 0, 100, 200), "lower"),
        ([(0, 0, 199, 79), (0, 80, 199, 159)], Region(0, 0, 80, 200), "upper"),
        ([(0, 0, 79, 79), (80, 0, 199, 99), (0, 80, 79, 159)], Region(0, 80, 100, 120), "largest"),
        ([(0, 0, 99, 79), (100, 0, 199, 79), (0, 80, 99, 159)], Region(0, 0, 80, 100), "leftmost"),
    ],
)  # fmt: skip
def test_of_several_views_one_is_judged_whatever_their_order(
    views: list[tuple[int, int, int, int]], judged: Region, where: str
) -> None:
    for order in itertools.permutations(views):
        scan = read(*(region(*view) for view in order))
        assert scan.region == judged
        (note,) = scan.notes
        assert "B-mode views" in note
        assert where in note


@pytest.mark.parametrize("inner", [WHOLE, (20, 20, 120, 120)])
def test_a_region_named_twice_or_within_another_is_one_view(inner: tuple[int, ...]) -> None:
    scan = read(region(*inner), region(*WHOLE))
    assert scan.region == Region(0, 0, ROWS, COLUMNS)
    assert scan.notes == ()


def test_the_size_of_a_region_named_twice_does_not_hang_on_the_order() -> None:
    sizes = [region(*WHOLE, delta=0.0), region(*WHOLE, delta=0.03), region(*WHOLE, delta=0.02)]
    found = {read(*order).spacing_mm for order in itertools.permutations(sizes)}
    assert len(found) == 1
    assert found.pop() is not None


def broken(keyword: str, value: str) -> Dataset:
    item = region(*WHOLE)
    tag = item[keyword].tag
    del item[keyword]
    if value:
        item.add_new(tag, "LO", value)
    return item


@pytest.mark.parametrize("keyword", ["RegionLocationMinX0", "RegionLocationMaxY1"])
@pytest.mark.parametrize("value", ["", "left", "5000"])
def test_a_region_that_is_none_costs_no_picture(keyword: str, value: str) -> None:
    scan = read(broken(keyword, value))
    assert np.array_equal(scan.frames[0], picture())
    assert scan.region is None
    assert any("region" in note for note in scan.notes)


@pytest.mark.parametrize("value", ["", "0,02", "0.02 cm", "0", "nan"])
def test_a_region_whose_pixels_have_no_size_costs_only_the_millimetres(value: str) -> None:
    scan = read(broken("PhysicalDeltaX", value))
    assert scan.region == Region(0, 0, ROWS, COLUMNS)
    assert scan.spacing_mm is None
    assert any("pixel size" in note for note in scan.notes)


def test_pixel_spacing_stands_in_for_a_region_without_size() -> None:
    dataset = dataset_of(picture())
    dataset.SequenceOfUltrasoundRegions = Sequence([broken("PhysicalDeltaX", "x")])
    dataset.PixelSpacing = [0.25, 0.3]
    scan = read_scan(saved(dataset))
    assert scan.spacing_mm == (0.25, 0.3)
    assert scan.notes == ()


@pytest.mark.parametrize("view", [(0, 0, 2 * COLUMNS - 1, 2 * ROWS - 1), (50, 40, 250, 150)])
def test_a_region_of_a_larger_picture_gives_neither_place_nor_size(
    view: tuple[int, int, int, int],
) -> None:
    scan = read(region(*view))
    assert (scan.region, scan.spacing_mm) == (None, None)
    assert any("region" in note for note in scan.notes)
    assert any("pixel size" in note for note in scan.notes)


def test_a_region_that_counts_one_pixel_too_many_is_cut() -> None:
    scan = read(region(0, 0, COLUMNS, ROWS))
    assert scan.region == Region(0, 0, ROWS, COLUMNS)
    assert scan.spacing_mm == pytest.approx((0.2, 0.2))
    assert scan.notes == ()


@pytest.mark.parametrize(("spacing", "said"), [((0.2, 0.204), False), ((0.4, 0.4), True)])
def test_two_sizes_that_contradict_each_other_are_told(
    spacing: tuple[float, float], said: bool
) -> None:
    dataset = dataset_of(picture())
    dataset.SequenceOfUltrasoundRegions = Sequence([region(*WHOLE)])
    dataset.PixelSpacing = list(spacing)
    scan = read_scan(saved(dataset))
    assert scan.spacing_mm == pytest.approx((0.2, 0.2))
    assert any("contradict" in note for note in scan.notes) == said


def test_pixels_that_no_scanner_draws_have_no_size() -> None:
    stretched = region(*WHOLE)
    stretched.PhysicalDeltaY = 0.2
    scan = read(stretched)
    assert scan.spacing_mm is None
    assert any("pixel size" in note for note in scan.notes)


@pytest.mark.parametrize(
    ("told", "aspect"), [((4, 3), 4 / 3), ((400, 300), 4 / 3), ((1, 1), 1.0), ((9, 1), 1.0), ((0, 1), 1.0)]
)  # fmt: skip
def test_the_shape_of_pixels_is_known_without_their_size(
    told: tuple[int, int], aspect: float
) -> None:
    dataset = dataset_of(picture())
    dataset.PixelAspectRatio = list(told)
    scan = read_scan(saved(dataset))
    assert scan.spacing_mm is None
    assert scan.pixel_aspect == pytest.approx(aspect)
    dataset.PixelSpacing = [0.2, 0.25]
    assert read_scan(saved(dataset)).pixel_aspect == pytest.approx(0.8)
