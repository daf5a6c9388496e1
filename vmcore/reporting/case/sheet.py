"""A sheet of paper that takes any text: an embedded font, unknown signs shown as such, nothing overflows."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from fpdf import FPDF
from fpdf.bidi import BidiParagraph
from fpdf.enums import MethodReturnValue

from vmcore.reporting.case.sections import Section
from vmcore.reporting.lettering import BOLD, PLAIN, ReportError, font_file

for _talks in ("fpdf", "fontTools"):  # of the signs on the page, which may be a name's
    logging.getLogger(_talks).setLevel(logging.CRITICAL + 1)

FONT = "DejaVu"
UNKNOWN_SIGN = "\N{WHITE SQUARE}"
SHORTENED = " … (shortened to fit the page)"
_FILES = {"": PLAIN, "B": BOLD}
_LEADING = 1.28  # of the font's size
_MM_PER_PT = 25.4 / 72


class Sheet(FPDF):
    """A4, one page, millimetres, text in a font that is embedded.

    Attributes:
        lacked_signs: whether a sign was drawn as a square because the font lacks it.
    """

    def __init__(self) -> None:
        super().__init__("portrait", "mm", "A4")
        self.set_auto_page_break(False)
        self.set_margin(0)
        self.c_margin = 0.0
        self.lacked_signs = False
        for style, file in _FILES.items():
            self.add_font(FONT, style, font_file(file))
        self.add_page()

    def safe(self, text: str) -> str:
        """A text without line breaks, in which signs that the font lacks are squares.

        The library would name them in its log, and they may be part of a person's name.
        """
        known = self.fonts[FONT.lower()].cmap  # type: ignore[union-attr]
        plain = " ".join(text.split())
        shown = "".join(
            sign if ord(sign) in known else UNKNOWN_SIGN for sign in plain if sign.isprintable()
        )
        self.lacked_signs |= shown.count(UNKNOWN_SIGN) > plain.count(UNKNOWN_SIGN)
        return shown

    def use(self, size: float, style: str = "", colour: str = "#1b1f23") -> float:
        """Set font and colour; returns the height of a line in mm."""
        self.set_font(FONT, style, size)
        self.set_text_color(colour)
        return size * _LEADING * _MM_PER_PT

    def lines(self, text: str, width: float) -> list[str]:
        """A text broken into lines of a width in mm, in the font that is set."""
        if not (safe := self.safe(text)):
            return []
        broken = self.multi_cell(
            width, 1, safe, align="L", dry_run=True, output=MethodReturnValue.LINES
        )
        return [_as_seen(str(line)) for line in broken]  # type: ignore[union-attr]

    def text_block(self, x: float, y: float, lines: Sequence[str], height: float) -> float:
        """Draw lines from a place downwards; returns where the next one would begin."""
        for line in lines:
            self.set_xy(x, y)
            self.cell(0, height, line)
            y += height
        return y

    def fitted(
        self, x: float, y: float, text: str, width: float, sizes: Sequence[float], style: str = "",
        colour: str = "#1b1f23", most: int = 1,
    ) -> float:  # fmt: skip
        """Draw a text in at most so many lines: in the largest size that does it, else shortened.

        Returns:
            where the next line would begin.
        """
        for size in sizes:
            height = self.use(size, style, colour)
            lines = self.lines(text, width)
            if len(lines) <= most:
                return self.text_block(x, y, lines, height)
        if most == 1:  # as much of it as fits, also of a word that would go to the next line
            lines = [_as_seen(self.safe(text))]
        return self.text_block(x, y, self.shortened(lines, most, width, " …"), height)

    def shortened(self, lines: list[str], most: int, width: float, mark: str) -> list[str]:
        """The first lines, the last of which ends with a mark and still fits."""
        kept, last = lines[: most - 1], lines[most - 1]
        while last and self.get_string_width(last + mark) > width:
            last = last[:-1]
        return [*kept, last.rstrip() + mark]

    def columns(
        self, x: Sequence[float], y: float, width: float, bottom: float,
        columns: Sequence[Sequence[Section]], sizes: Sequence[float],
    ) -> None:  # fmt: skip
        """Draw sections in columns, in the largest size at which all of them fit above a line.

        In the smallest size a column's last section is shortened until all fits, and says so; where
        that is not enough, the longest ones are.
        """
        for size in sizes:
            laid = [[self._laid(one, width, size) for one in column] for column in columns]
            if all(self._height(column, size) <= bottom - y for column in laid):
                break
        for place, column in zip(x, laid, strict=True):
            self._shorten(column, size, bottom - y, width)
            self._draw(column, place, y, size)

    def _laid(self, section: Section, width: float, size: float) -> tuple[str, list[str]]:
        self.use(size)
        return section.title, [
            line for text in section.paragraphs for line in self.lines(text, width)
        ]

    def _height(self, column: Sequence[tuple[str, list[str]]], size: float) -> float:
        line = size * _LEADING * _MM_PER_PT
        return sum((len(lines) + _TITLE) * line for _, lines in column)

    def _shorten(
        self, column: list[tuple[str, list[str]]], size: float, room: float, width: float
    ) -> None:
        kept = [len(lines) for _, lines in column]
        line = size * _LEADING * _MM_PER_PT
        while (sum(kept) + _TITLE * len(kept)) * line > room:
            at = len(kept) - 1 if kept[-1] > _LEAST_OF_LAST else kept.index(max(kept))
            if kept[at] < 2:
                raise ReportError("The report has more sections than a page can hold.")
            kept[at] -= 1
        self.use(size)
        for at, (title, lines) in enumerate(column):
            if kept[at] < len(lines):
                column[at] = title, self.shortened(lines, kept[at], width, SHORTENED)

    def _draw(
        self, column: Sequence[tuple[str, list[str]]], x: float, y: float, size: float
    ) -> None:
        for title, lines in column:
            height = self.use(size, "B", "#2b6f77")
            y = self.text_block(x, y, [title], height)
            self.use(size)
            y = self.text_block(x, y, lines, height) + (_TITLE - 1) * height


def _as_seen(line: str) -> str:
    """A line whose signs stand in the order in which they are drawn, from left to right (UAX 9)."""
    return line if line.isascii() else BidiParagraph(line).get_reordered_string()


_LEAST_OF_LAST = 4  # lines that a column's last section keeps while others are long
_TITLE = 1.55  # lines that a heading takes, with the room before the next one
