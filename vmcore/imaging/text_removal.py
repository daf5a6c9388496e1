"""Take burned-in text off a frame, and look again where there was some."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from vmcore.imaging.mosaic import lay_out
from vmcore.imaging.painting import paint_over
from vmcore.imaging.scan import Region
from vmcore.imaging.sector import scan_sector
from vmcore.imaging.text import (
    LIKELY,
    TextBox,
    around,
    detect_text,
    reads_as_text,
    too_tall,
    usual_scale,
)

_SIZES = (1.3, 1.75)  # beside the usual one, at which text is looked for again
_LOOKS = 6  # at most
_NEAR = 1.5  # how far around text more is looked for, in heights of it
_NEAR_PX = 12
_SHEET_PX = 500_000  # about: the network works in some 130 bytes for each of them
_OVERLAP_PX = 24
_PIECES = 60  # beside the sector, at most: more of them are texture, and looked at as one
_LIT = 60  # grey value from which something beside the sector may be a letter

Image = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]


class TextRemoval(NamedTuple):
    """A picture without text, and where it was: uint8 (H, W, 3), bool (H, W)."""

    image: Image
    mask: Mask


def text_in(frame: Image) -> tuple[Region, ...]:
    """Every piece of text in a frame: where any is read, doubtful places are read too.

    What surely looks like text beside the scan sector is text, once some was read there.
    """
    scale = usual_scale(frame.shape)
    boxes = [box for box in detect_text(frame, scale) if not too_tall(box, frame.shape)]
    likely = sorted((box for box in boxes if box.score >= LIKELY), key=lambda box: -box.score)
    sector = scan_sector(frame)
    sure = [box for box in likely if not _on(sector, box)]
    if not all(reads_as_text(frame, sure[:1], scale)):
        sure = []
    texts = sure or _read(frame, likely, scale)
    if not texts:
        return ()
    known = {id(box) for box in sure or likely}
    others = [box for box in boxes if id(box) not in known]
    return tuple(around(box, frame.shape) for box in (*texts, *_read(frame, others, scale)))


def remove_text(image: Image, regions: Sequence[Region]) -> TextRemoval:
    """Black out text beside the scan sector and paint over text within it.

    Where there is some text there may be more, smaller or fainter: what lies near it, and all that is
    lit beside the sector, is looked at again, enlarged, until nothing is found any more.

    Args:
        image: the frame's cut.
        regions: text in it, by :func:`text_in`.
    """
    gone = np.zeros(image.shape[:2], bool)
    if not regions:
        return TextRemoval(image, gone)
    sector = scan_sector(image)
    scale = usual_scale(image.shape)
    fresh = tuple(regions)
    for _ in range(_LOOKS):
        image = _without(image, fresh, sector)
        gone |= _covered(fresh, gone.shape)
        parts = _merged([_near(one, gone.shape) for one in fresh] + _lit_beside(image, sector))
        fresh = _again(image, parts, scale)
        if not fresh:
            break
    return TextRemoval(_without(image, fresh, sector), gone | _covered(fresh, gone.shape))


def cover_text(image: Image, text: Mask) -> Image:
    """Black out known text beside the scan sector and paint over that within it.

    Args:
        image: uint8 (H, W, 3), RGB.
        text: bool (H, W), where it stands.

    Returns:
        uint8 (H, W, 3); all other pixels stay bit for bit.
    """
    return _cover(image, text, scan_sector(image)) if text.any() else image


def _read(image: Image, boxes: Sequence[TextBox], scale: float) -> list[TextBox]:
    """Those that read as text."""
    read = reads_as_text(image, boxes, scale)
    return [box for box, is_text in zip(boxes, read, strict=True) if is_text]


def _again(image: Image, parts: Sequence[Region], scale: float) -> tuple[Region, ...]:
    """Text in parts of a picture that is known to hold some."""
    boxes = []
    for some in _portions(parts, scale):
        sheet = lay_out(image, some, [scale * size for size in _SIZES])
        for found in detect_text(sheet.pixels):
            corners = sheet.place_of(found.corners)
            if corners is None:
                continue
            box = found._replace(corners=corners)
            if not too_tall(box, image.shape, again=True):
                boxes.append(box)
    read = _read(image, boxes, scale * _SIZES[0])
    return tuple(around(box, image.shape) for box in read)


def _portions(parts: Sequence[Region], scale: float) -> Iterator[list[Region]]:
    """Parts for one sheet after another, none much larger than is good for memory."""
    most = _SHEET_PX / sum((scale * size) ** 2 for size in _SIZES)
    some: list[Region] = []
    for part in (piece for whole in parts for piece in _cut_up(whole, most)):
        if some and sum(one.height * one.width for one in (*some, part)) > most:
            yield some
            some = []
        some.append(part)
    if some:
        yield some


def _cut_up(part: Region, most: float) -> Iterator[Region]:
    """Pieces of a part, none of more pixels than ``most``, which overlap by a line of text."""
    row, column, height, width = part
    if height * width <= most or min(height, width) < 4 * _OVERLAP_PX:
        yield part
        return
    if height >= width:
        half = height // 2 + _OVERLAP_PX
        halves = (Region(row, column, half, width),
                  Region(row + height - half, column, half, width))  # fmt: skip
    else:
        half = width // 2 + _OVERLAP_PX
        halves = (Region(row, column, height, half),
                  Region(row, column + width - half, height, half))  # fmt: skip
    for piece in halves:
        yield from _cut_up(piece, most)


def _on(sector: Mask, box: TextBox) -> bool:
    """Whether more than a little of a place lies on the scan."""
    row, column, height, width = around(box, sector.shape)
    return bool(sector[row : row + height, column : column + width].mean() > 0.1)


def _without(image: Image, regions: Sequence[Region], sector: Mask) -> Image:
    return _cover(image, _covered(regions, sector.shape), sector) if regions else image


def _cover(image: Image, found: Mask, sector: Mask) -> Image:
    # letters go across the sector's edge: none of them may lend its grey to the tissue
    image = np.where(sector[..., None], paint_over(image, found), image)
    image[found & ~sector] = 0
    return image


def _covered(regions: Sequence[Region], shape: tuple[int, ...]) -> Mask:
    covered = np.zeros(shape[:2], bool)
    for row, column, height, width in regions:
        covered[row : row + height, column : column + width] = True
    return covered


def _near(region: Region, shape: tuple[int, ...]) -> Region:
    return _grown(region, round(_NEAR * region.height) + _NEAR_PX, shape)


def _grown(region: Region, by: int, shape: tuple[int, ...]) -> Region:
    top, left = max(region.row - by, 0), max(region.column - by, 0)
    bottom = min(region.row + region.height + by, shape[0])
    right = min(region.column + region.width + by, shape[1])
    return Region(top, left, bottom - top, right - left)


def _lit_beside(image: Image, sector: Mask) -> list[Region]:
    """What is left beside the sector, in pieces as lines of text are."""
    brightest = reduce(cv2.max, cv2.split(image))  # numpy takes ten times as long
    lit = ((brightest > _LIT) & ~sector).astype(np.uint8)
    joined = cv2.morphologyEx(lit, cv2.MORPH_CLOSE, np.ones((3, 15), np.uint8))
    _, _, found, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    pieces = [Region(int(y), int(x), int(h), int(w)) for x, y, w, h, area in found[1:] if area > 8]
    if len(pieces) > _PIECES:
        pieces = [reduce(_union, pieces)]
    return [_grown(piece, _NEAR_PX, image.shape) for piece in pieces]


def _merged(parts: Sequence[Region]) -> list[Region]:
    """Parts that overlap become one, so that nothing is looked at twice."""
    merged: list[Region] = []
    for part in parts:
        grown = part
        while True:
            touching = [other for other in merged if _overlap(grown, other)]
            if not touching:
                break
            merged = [other for other in merged if other not in touching]
            for other in touching:
                grown = _union(grown, other)
        merged.append(grown)
    return merged


def _overlap(one: Region, other: Region) -> bool:
    return (
        one.row < other.row + other.height
        and other.row < one.row + one.height
        and one.column < other.column + other.width
        and other.column < one.column + one.width
    )


def _union(one: Region, other: Region) -> Region:
    top, left = min(one.row, other.row), min(one.column, other.column)
    bottom = max(one.row + one.height, other.row + other.height)
    right = max(one.column + one.width, other.column + other.width)
    return Region(top, left, bottom - top, right - left)
