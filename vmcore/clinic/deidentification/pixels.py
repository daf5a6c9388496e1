"""The picture of a de-identified file: no text beside the scan or in it, in any frame.

DICOM PS3.15 E.3.1, Clean Pixel Data Option. The frames keep their size, so that regions and
calibration stay true: what :func:`vmcore.imaging.clean_frame` would cut off is black instead.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from vmcore.imaging import CleaningSettings, Region, ScanError, clean_frame
from vmcore.imaging.sector import scan_sector
from vmcore.imaging.text_removal import cover_text, remove_text, text_in

_ROUNDS = 4  # at most, in which text is looked for in all frames
_MARGIN = 0.02  # of the picture's shorter side, about the sector
_LEFT = (
    "Text is left in the picture after all that could be removed was; the file is not handed out. "
    "Export it from the scanner without annotations."
)


class CleanLoop(NamedTuple):
    """Frames without text.

    Attributes:
        frames: uint8 (T, H, W, 3), RGB.
        mask: bool (H, W), True where pixels were blackened or painted over, in every frame.
    """

    frames: npt.NDArray[np.uint8]
    mask: npt.NDArray[np.bool_]


OnFrame = Callable[[int, int], None]
"""Called with (frames looked through for text, all frames); raising ends the work."""


def clean_loop(
    frames: npt.NDArray[np.uint8], region: Region | None, on_frame: OnFrame | None = None
) -> CleanLoop:
    """Blacken what lies beside the scan, and take text off every frame.

    Beside the scan is what lies outside of its region, and what lies outside of the sector of echoes:
    there nothing is lost, and text too small or too faint to be found goes too.

    Callipers, arrows and other drawing go as they do for the model (:func:`vmcore.imaging.clean_frame`).
    Text mostly stands still: what is found in one frame goes from all of them. Then text is looked for
    in each frame as it would be handed out, until there is none in any.

    Args:
        frames: uint8 (T, H, W, 3), RGB.
        region: the B-mode region; without it a strip is blackened at the top, as where a frame is
            cleaned for the model.
        on_frame: called after each; all are looked through again where text was found.

    Raises:
        ScanError: text is still found after several rounds.
    """
    frames, which = _distinct(frames)
    beside = _beside(frames.shape[1:3], region)
    beside |= ~_sectors(frames, beside)
    cleaned, drawn = np.empty_like(frames), np.zeros_like(beside)
    for at, frame in enumerate(frames):
        cleaned[at], mask = _undrawn(frame, region, beside)
        drawn |= mask
    # looked for before anything is black, so that words which the scan's edge cuts are found
    text = remove_text(cleaned[0], text_in(frames[0])).mask & ~beside
    checked = np.zeros(len(frames), bool)
    for _ in range(_ROUNDS):
        for at in np.flatnonzero(~checked).tolist():
            cleaned[at] = cover_text(cleaned[at], text)
            found = text_in(cleaned[at])
            checked[at] = True
            if found:
                text = text | remove_text(cleaned[at], found).mask & ~beside
                checked[:] = False  # what is covered now was looked for without it
            if on_frame:
                on_frame(int(checked[which].sum()), len(which))
        if checked.all():
            return CleanLoop(cleaned[which], beside | text | drawn)
    raise ScanError(_LEFT)


def _distinct(
    frames: npt.NDArray[np.uint8],
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Each picture once, and which of them each frame is: scanners repeat frames to keep time."""
    seen: dict[bytes, int] = {}
    first: list[int] = []
    which = np.empty(len(frames), np.int64)
    for at, frame in enumerate(frames):
        digest = hashlib.sha256(frame.tobytes()).digest()
        if digest not in seen:
            seen[digest] = len(first)
            first.append(at)
        which[at] = seen[digest]
    return (frames if len(first) == len(frames) else frames[first]), which


def _beside(shape: tuple[int, ...], region: Region | None) -> npt.NDArray[np.bool_]:
    beside = np.ones(shape, bool)
    if region is None:
        beside[round(CleaningSettings().top_strip * shape[0]) :] = False
    else:
        row, column, height, width = region
        beside[row : row + height, column : column + width] = False
    return beside


def _sectors(frames: npt.NDArray[np.uint8], beside: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Where echoes are in any frame, with a margin; everywhere, where no sector stands out in one."""
    sectors = np.zeros(beside.shape, bool)
    for frame in frames:
        sectors |= scan_sector(_blackened(frame, beside))
    margin = round(_MARGIN * min(beside.shape))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * margin + 1,) * 2)
    return cv2.dilate(sectors.astype(np.uint8), kernel).astype(bool)


def _undrawn(
    frame: npt.NDArray[np.uint8], region: Region | None, beside: npt.NDArray[np.bool_]
) -> CleanLoop:
    """A frame in its full size, black beside the scan and without drawing; text is still in it."""
    black = _blackened(frame, beside)
    clean = clean_frame(black, region=region, settings=CleaningSettings(remove_text=False))
    (row, column), (height, width) = clean.offset, clean.image.shape[:2]
    place = (slice(row, row + height), slice(column, column + width))
    mask = np.zeros(beside.shape, bool)
    black[place], mask[place] = clean.image, clean.mask
    return CleanLoop(black, mask)


def _blackened(
    frame: npt.NDArray[np.uint8], beside: npt.NDArray[np.bool_]
) -> npt.NDArray[np.uint8]:
    return np.where(beside[..., None], 0, frame).astype(np.uint8)
