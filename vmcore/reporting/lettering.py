"""Letters in pictures and on paper: one font, and lines that stay within a width."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont, ImageText

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


def wrapped(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """A text in lines of at most a width in pixels; a word that is wider is broken."""
    parts = [part for word in text.split() for part in _broken(word, font, width)]
    whole = ImageText.Text(" ".join(parts), font)
    whole.wrap(width)
    return str(whole.text).split("\n") if parts else []


def _broken(word: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """A word in parts that fit: Pillow refuses one that does not."""
    parts = [""]
    for sign in word:
        if parts[-1] and font.getlength(parts[-1] + sign) > width:
            parts.append("")
        parts[-1] += sign
    return parts
