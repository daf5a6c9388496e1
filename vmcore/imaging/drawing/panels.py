"""Find the flat panels that scanners print results on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from vmcore.imaging.scan import Region

_FLAT = 8  # grey values by which a panel may vary, after JPEG
_TEXT_GROUND = 0.45  # share of a text's surroundings that is of the panel's grey
_MARGIN = 0.25  # of a text's height, left out above and below: a panel's edge may be near
_GROWS = 0.8  # share of a line's pixels of that grey up to which the panel goes on
_CLEAN = 0.95  # of a panel's outermost line: it is flat to its edge,
_ENDS = 0.7  # and beyond at most this share is; a shadow ends in shreds
_SIDES = 2  # that end so, at least
_HOLDS = 0.8  # of the text's rectangle in each direction: between letters there is no panel
_LARGEST = 0.3  # share of the picture
_FRAME_PX = 3
_FRAME_SHARE = 0.85  # of a line of one grey around a panel

Grey = npt.NDArray[np.uint8]


_ALL = ("top", "left", "bottom", "right")


@dataclass(frozen=True, slots=True)
class _Box:
    """A box that grows by its sides; bottom and right are exclusive."""

    top: int
    left: int
    bottom: int
    right: int

    def beyond(self, image: npt.NDArray[Any], side: str) -> npt.NDArray[Any] | None:
        """The line of pixels just outside of a side; None at the picture's edge."""
        if side == "top":
            return image[self.top - 1, self.left : self.right] if self.top else None
        if side == "left":
            return image[self.top : self.bottom, self.left - 1] if self.left else None
        if side == "bottom":
            inside = self.bottom < image.shape[0]
            return image[self.bottom, self.left : self.right] if inside else None
        inside = self.right < image.shape[1]
        return image[self.top : self.bottom, self.right] if inside else None

    def last(self, image: npt.NDArray[Any], side: str) -> npt.NDArray[Any]:
        """The outermost line of pixels within."""
        if side in {"top", "bottom"}:
            return image[self.top if side == "top" else self.bottom - 1, self.left : self.right]
        return image[self.top : self.bottom, self.left if side == "left" else self.right - 1]

    def moved(self, side: str) -> _Box:
        """One pixel larger at a side."""
        step = -1 if side in {"top", "left"} else 1
        return replace(self, **{side: getattr(self, side) + step})

    @property
    def pixels(self) -> int:
        """Its area."""
        return (self.bottom - self.top) * (self.right - self.left)

    @property
    def region(self) -> Region:
        """The same as a region."""
        return Region(self.top, self.left, self.bottom - self.top, self.right - self.left)


def panels_in(grey: Grey, texts: Sequence[Region]) -> list[Region]:
    """Rectangles of one grey behind text.

    Args:
        grey: uint8 (H, W).
        texts: where text is.
    """
    panels: list[Region] = []
    for text in texts:
        if not any(_within(text, panel) for panel in panels):
            panel = _panel_of(grey, text, texts)
            if panel is not None:
                panels.append(panel)
    return panels


def _within(text: Region, panel: Region) -> bool:
    row, column = text.row + text.height // 2, text.column + text.width // 2
    return (
        panel.row <= row < panel.row + panel.height
        and panel.column <= column < panel.column + panel.width
    )


def _panel_of(grey: Grey, text: Region, texts: Sequence[Region]) -> Region | None:
    box = _core(text)
    inside = grey[box.top : box.bottom, box.left : box.right]
    ground = int(np.bincount(inside.ravel(), minlength=256).argmax())
    flat = np.abs(grey.astype(np.int16) - ground) <= _FLAT
    if flat[box.top : box.bottom, box.left : box.right].mean() < _TEXT_GROUND:
        return None
    for core in map(_core, texts):  # letters of all lines stand on the same panel
        flat[core.top : core.bottom, core.left : core.right] = True
    most, growing = _LARGEST * grey.size, True
    while growing and box.pixels <= most:
        growing = False
        for side in _ALL:
            line = box.beyond(flat, side)
            if line is not None and line.mean() >= _GROWS:
                box, growing = box.moved(side), True
    holds = (
        box.bottom - box.top >= _HOLDS * text.height and box.right - box.left >= _HOLDS * text.width
    )
    if not holds or box.pixels > most:
        return None
    sharp = sum(_ends_at(box, flat, side) for side in _ALL)
    return _with_frame(box, grey).region if sharp >= _SIDES else None


def _core(text: Region) -> _Box:
    """The middle of a text's rectangle, where its letters are."""
    cut = round(_MARGIN * text.height)
    side = cut if text.width > 4 * cut else 0
    return _Box(
        text.row + cut,
        text.column + side,
        text.row + text.height - cut,
        text.column + text.width - side,
    )


def _ends_at(box: _Box, flat: npt.NDArray[np.bool_], side: str) -> bool:
    beyond = box.beyond(flat, side)
    return (
        beyond is not None
        and bool(beyond.mean() <= _ENDS)
        and bool(box.last(flat, side).mean() >= _CLEAN)
    )


def _with_frame(box: _Box, grey: Grey) -> _Box:
    """The box with the lines of one grey around it, and their edge's pixel."""
    for side in _ALL:
        for _ in range(_FRAME_PX):
            line = box.beyond(grey, side)
            if line is None or _of_one_grey(line) < _FRAME_SHARE:
                break
            box = box.moved(side)
        if box.beyond(grey, side) is not None:
            box = box.moved(side)
    return box


def _of_one_grey(line: Grey) -> float:
    return float((np.abs(line.astype(np.int16) - int(np.median(line))) <= _FLAT).mean())
