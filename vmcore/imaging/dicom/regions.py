"""Which part of the picture is the B-mode image, and how large its pixels are (PS3.3 C.8.5.5)."""

from __future__ import annotations

import math
from typing import NamedTuple

from pydicom import Dataset

from vmcore.imaging.dicom.values import numbers, whole_number
from vmcore.imaging.scan import Calibration, Region, ScanError

_CENTIMETRES = 3  # PhysicalUnitsXDirection, C.8.5.5.1.15
_TWO_DIMENSIONAL = 1  # RegionSpatialFormat, C.8.5.5.1.1
_TISSUE = {None, 0, 1}  # RegionDataType, C.8.5.5.1.2: tissue, or not said
_COLOUR_FLOW = 2
_TRACES = {2: "an M-mode trace", 3: "a spectral Doppler trace", 4: "a trace"}
_SMALLEST = 32  # pixels on each side
_BEYOND = 2  # pixels that a region may be larger than its picture; one more is common
_MOST_UNEQUAL = 2.0  # between a pixel's height and width; scanners that draw such pixels stay below
_SAME_SIZE = 0.05  # difference between two told sizes that needs no word
_NO_SIZE = "The pixel size in the file makes no sense, so nothing can be measured in mm."
_TWO_SIZES = (
    "The file tells two pixel sizes that contradict each other; that of its ultrasound region was taken. "
    "Check it with a distance that you know."
)
_NO_REGION = "The ultrasound region that the file names does not fit its picture and was left out."

Spacing = tuple[float, float]


class Geometry(NamedTuple):
    """Where the picture is and how large.

    Attributes:
        region: the B-mode one that is judged.
        spacing_mm: (row, column) millimetres per pixel.
        notes: for the reader.
        calibrations: all regions' scales.
        pixel_aspect: a pixel's height over its width.
    """

    region: Region | None
    spacing_mm: Spacing | None
    notes: tuple[str, ...]
    calibrations: tuple[Calibration, ...] = ()
    pixel_aspect: float = 1.0


class _View(NamedTuple):
    region: Region
    spacing_mm: Spacing | None

    @property
    def area(self) -> int:
        return self.region.height * self.region.width


def find_geometry(dataset: Dataset, rows: int, columns: int) -> Geometry:
    """Find the B-mode region that is judged, and its spacing or else PixelSpacing.

    Of several B-mode views the largest is taken, among equals the leftmost, then the topmost.

    Raises:
        ScanError: the file names regions, and all of them are traces or colour flow.
    """
    views, named, traces = _views(dataset, rows, columns)
    if not named and traces:
        raise ScanError(
            f"This picture holds only {' and '.join(traces)}, no B-mode image; "
            "add a B-mode frame of the fetal head."
        )
    notes = []
    if named and not views:
        notes.append(_NO_REGION)
    best = views[0] if views else None
    if best is not None:
        others = [view for view in views[1:] if _apart(view.region, best.region)]
        notes.extend(_which(best, others))
    by_region, by_file = best.spacing_mm if best else None, _pixel_spacing(dataset)
    spacing = by_region or by_file
    if spacing is None and _says_a_size(dataset, named):
        notes.append(_NO_SIZE)
    if by_region and by_file and not _alike(by_region, by_file):
        notes.append(_TWO_SIZES)
    scales = tuple(Calibration(one.region, one.spacing_mm) for one in views if one.spacing_mm)
    aspect = spacing[0] / spacing[1] if spacing else _told_aspect(dataset)
    return Geometry(best.region if best else None, spacing, tuple(notes), scales, aspect)


def _views(
    dataset: Dataset, rows: int, columns: int
) -> tuple[list[_View], list[Dataset], list[str]]:
    """B-mode views, best first; all regions called B-mode; words for regions that are traces."""
    views: list[_View] = []
    named: list[Dataset] = []
    traces: list[str] = []
    for item in _items(dataset):
        space, kind = (
            whole_number(item, f"Region{what}") for what in ("SpatialFormat", "DataType")
        )
        if space == _TWO_DIMENSIONAL and kind in _TISSUE:
            named.append(item)
            region = _rectangle(item, rows, columns)
            if region is not None:
                views.append(_View(region, _region_spacing(item)))
        elif space == _TWO_DIMENSIONAL and kind == _COLOUR_FLOW:
            traces.append("colour flow")
        elif space in _TRACES:
            traces.append(_TRACES[space])
    views.sort(
        key=lambda view: (
            -view.area,
            view.region.column,
            view.region.row,
            view.spacing_mm or (99.0,),
        )
    )
    return views, named, sorted(set(traces))


def _items(dataset: Dataset) -> list[Dataset]:
    try:
        return list(dataset.get("SequenceOfUltrasoundRegions", None) or ())
    except Exception:  # a sequence that cannot be parsed says nothing
        return []


def _rectangle(item: Dataset, rows: int, columns: int) -> Region | None:
    """A region's pixels; None where it is no region of this picture."""
    corners = [
        whole_number(item, f"RegionLocation{corner}")
        for corner in ("MinY0", "MinX0", "MaxY1", "MaxX1")
    ]
    if None in corners:
        return None
    top, left, bottom, right = (int(corner or 0) for corner in corners)
    beyond = max(-top, -left, bottom + 1 - rows, right + 1 - columns)
    if beyond > _BEYOND:  # it is of a picture that was made smaller since, and so is its scale
        return None
    top, left = max(top, 0), max(left, 0)
    region = Region(top, left, min(bottom + 1, rows) - top, min(right + 1, columns) - left)
    return region if min(region.height, region.width) >= _SMALLEST else None


def _apart(one: Region, other: Region) -> bool:
    """Whether most of ``one`` lies outside of ``other``."""
    height = min(one.row + one.height, other.row + other.height) - max(one.row, other.row)
    width = min(one.column + one.width, other.column + other.width) - max(one.column, other.column)
    return max(height, 0) * max(width, 0) < 0.5 * one.height * one.width


def _which(best: _View, others: list[_View]) -> list[str]:
    if not others:
        return []
    if len(others) > 1:
        how = "largest" if best.area > max(view.area for view in others) else "leftmost large"
        return [f"The picture holds {len(others) + 1} B-mode views; the {how} one is judged."]
    here, there = best.region, others[0].region
    right = (2 * here.column + here.width) - (2 * there.column + there.width)
    down = (2 * here.row + here.height) - (2 * there.row + there.height)
    across, upright = ("right", "left"), ("lower", "upper")
    where = across[right < 0] if abs(right) >= abs(down) else upright[down < 0]
    return [f"The picture holds two B-mode views; the {where} one is judged."]


def _region_spacing(item: Dataset) -> Spacing | None:
    units = (whole_number(item, f"PhysicalUnits{axis}Direction") for axis in "YX")
    if any(unit != _CENTIMETRES for unit in units):
        return None
    found = numbers(item, "PhysicalDeltaY") + numbers(item, "PhysicalDeltaX")
    return _plausible(tuple(10.0 * abs(value) for value in found))


def _pixel_spacing(dataset: Dataset) -> Spacing | None:
    return _plausible(numbers(dataset, "PixelSpacing"))


def _says_a_size(dataset: Dataset, named: list[Dataset]) -> bool:
    in_centimetres = (
        whole_number(item, "PhysicalUnitsXDirection") == _CENTIMETRES for item in named
    )
    return bool(numbers(dataset, "PixelSpacing")) or any(in_centimetres)


def _plausible(values: tuple[float, ...]) -> Spacing | None:
    """Refuse spacings no fetal scan can have (under 1 micrometre or over 1 cm a pixel, or stretched)."""
    if len(values) == 2 and all(1e-3 < value < 10.0 for value in values):
        return (values[0], values[1]) if _near_square(*values) else None
    return None


def _near_square(height: float, width: float) -> bool:
    return 1 / _MOST_UNEQUAL <= height / width <= _MOST_UNEQUAL


def _alike(one: Spacing, other: Spacing) -> bool:
    return all(abs(a / b - 1) <= _SAME_SIZE for a, b in zip(one, other, strict=True))


def _told_aspect(dataset: Dataset) -> float:
    """A pixel's height over its width where only that is told (PS3.3 C.7.6.3.1.7); 1 without."""
    told = numbers(dataset, "PixelAspectRatio")
    if len(told) == 2 and all(0 < value < math.inf for value in told) and _near_square(*told):
        return told[0] / told[1]
    return 1.0
