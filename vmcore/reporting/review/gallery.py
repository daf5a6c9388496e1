"""Cases with their heatmaps as one picture, as in the paper's Fig. 7."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from vmcore import RESEARCH_USE_ONLY
from vmcore.reporting.colours import BACKGROUND, INK, QUIET
from vmcore.reporting.lettering import letters, wrapped
from vmcore.reporting.pictures import blend

_TILE = 220
_GAP, _WORDS = 10, 26
_NOTICE, _LINE = 12, 18  # pixels: letters of the notice and the height of its lines


@dataclass(frozen=True, slots=True)
class Tile:
    """One case: cleaned image uint8 (H, W, 3), heatmap (H, W) in [0, 1], and a line of words."""

    image: npt.NDArray[np.uint8]
    heatmap: npt.NDArray[np.float32]
    words: str


def gallery_png(rows: Sequence[tuple[str, Sequence[Tile]]]) -> bytes:
    """Rows of cases, each case above its heatmap, as PNG.

    Args:
        rows: a title and its tiles.

    Raises:
        ValueError: no tile at all.
    """
    most = max((len(tiles) for _, tiles in rows), default=0)
    if not most:
        raise ValueError("There is no case to show.")
    height = 2 * _TILE + 2 * _WORDS + 3 * _GAP
    notice = f"{RESEARCH_USE_ONLY}  Heatmaps: Eigen-CAM."
    width = most * (_TILE + _GAP) + _GAP
    said = wrapped(notice, letters(_NOTICE), width - 2 * _GAP)
    foot = _GAP + len(said) * _LINE
    page = Image.new("RGB", (width, len(rows) * height + foot), BACKGROUND)
    draw = ImageDraw.Draw(page)
    for number, (title, tiles) in enumerate(rows):
        top = number * height + _GAP
        draw.text((_GAP, top), title, INK, letters(15))
        for place, tile in enumerate(tiles):
            left = _GAP + place * (_TILE + _GAP)
            page.paste(_fitted(tile.image), (left, top + _WORDS))
            page.paste(_fitted(blend(tile.image, tile.heatmap)), (left, top + _WORDS + _TILE + 4))
            words = (left, top + _WORDS + 2 * _TILE + 8)
            draw.text(words, tile.words, QUIET, letters(12))
    for line, text in enumerate(said):
        draw.text((_GAP, page.height - foot + line * _LINE), text, QUIET, letters(_NOTICE))
    stream = io.BytesIO()
    page.save(stream, "PNG")
    return stream.getvalue()


def _fitted(image: npt.NDArray[np.uint8]) -> Image.Image:
    tile = Image.new("RGB", (_TILE, _TILE), "black")
    picture = Image.fromarray(image)
    picture.thumbnail((_TILE, _TILE), Image.Resampling.LANCZOS)
    scale = _TILE / max(picture.size)
    picture = picture.resize((round(picture.width * scale), round(picture.height * scale)))
    tile.paste(picture, ((_TILE - picture.width) // 2, (_TILE - picture.height) // 2))
    return tile
