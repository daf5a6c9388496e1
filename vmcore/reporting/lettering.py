"""Letters in pictures and on paper: one font, and lines that stay within a width."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont

PLAIN, BOLD = "DejaVuSans.ttf", "DejaVuSans-Bold.ttf"


class ReportError(ValueError):
    """A report that cannot be made, with one sentence that says why."""


@lru_cache(maxsize=2)
def font_file(name: str) -> Path:
    """DejaVu, which matplotlib carries: Latin, Greek, Cyrillic and more; matplotlib is not loaded.

    Raises:
        ReportError: the font is missing.
    """
    package = find_spec("matplotlib")
    if package is not None and package.origin is not None:
        path = Path(package.origin).parent / "mpl-data" / "fonts" / "ttf" / name
        if path.is_file():
            return path
    raise ReportError(
        "The report's font (DejaVu, a part of matplotlib) is missing; install the requirements again."
    )


@lru_cache(maxsize=16)
def letters(size: int, name: str = PLAIN) -> ImageFont.FreeTypeFont:
    """The font in a size in pixels, to draw in pictures with."""
    return ImageFont.truetype(font_file(name), size)


def wrapped(text: str, font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    """A text in lines of at most a width in pixels; a word that is wider is broken."""
    lines: list[str] = []
    line = ""
    for piece in text.split():
        word, longer = piece, f"{line} {piece}".strip()
        if font.getlength(longer) <= width:
            line = longer
            continue
        lines += [line] if line else []
        while font.getlength(word) > width and len(word) > 1:
            cut = next(
                n
                for n in range(len(word) - 1, 0, -1)
                if n == 1 or font.getlength(word[:n]) <= width
            )
            lines.append(word[:cut])
            word = word[cut:]
        line = word
    return [*lines, line] if line else lines
