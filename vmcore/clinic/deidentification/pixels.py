"""The picture of a de-identified file: no text beside the scan or in it, in any frame.

DICOM PS3.15 E.3.1, Clean Pixel Data Option. The frames keep their size, so that regions and
calibration stay true: what :func:`vmcore.imaging.clean_frame` would cut off is black instead.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from vmcore.imaging import Region, ScanError
from vmcore.imaging.cleaning import CleaningSettings
from vmcore.imaging.text_removal import cover_text, remove_text, text_in

_ROUNDS = 4  # at most, in which text is looked for in all frames
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


def clean_loop(frames: npt.NDArray[np.uint8], region: Region | None) -> CleanLoop:
    """Blacken what lies beside the scan, and take text off every frame.

    Text mostly stands still: what is found in one frame goes from all of them. Then text is looked for
    in each frame as it would be handed out, until there is none in any.

    Args:
        frames: uint8 (T, H, W, 3), RGB.
        region: the B-mode region; without it a strip is blackened at the top, as where a frame is
            cleaned for the model.

    Raises:
        ScanError: text is still found after several rounds.
    """
    beside = _beside(frames.shape[1:3], region)
    text = _covered(text_in(frames[0]), beside.shape) & ~beside  # words that the region's edge cuts
    checked = np.zeros(len(frames), bool)
    cleaned = np.empty_like(frames)
    for _ in range(_ROUNDS):
        for at in np.flatnonzero(~checked):
            frame = frames[at].copy()
            frame[beside] = 0
            cleaned[at] = cover_text(frame, text)
            found = text_in(cleaned[at])
            checked[at] = True
            if found:
                more = remove_text(cleaned[at], found).mask & ~beside
                text = text | more
                checked[:] = False  # what is covered now was looked for without it
        if checked.all():
            return CleanLoop(cleaned, beside | text)
    raise ScanError(_LEFT)


def _beside(shape: tuple[int, ...], region: Region | None) -> npt.NDArray[np.bool_]:
    beside = np.ones(shape, bool)
    if region is None:
        beside[round(CleaningSettings().top_strip * shape[0]) :] = False
    else:
        row, column, height, width = region
        beside[row : row + height, column : column + width] = False
    return beside


def _covered(regions: tuple[Region, ...], shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    covered = np.zeros(shape, bool)
    for row, column, height, width in regions:
        covered[row : row + height, column : column + width] = True
    return covered
