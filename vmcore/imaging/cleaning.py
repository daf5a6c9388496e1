"""De-identify a frame and take annotations off it, keeping a record of what was done."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from vmcore.imaging.drawing.colour import colour_evidence
from vmcore.imaging.drawing.grey import grey_drawing
from vmcore.imaging.painting import paint_over
from vmcore.imaging.scan import FrameError, Frames, Region, ScanError
from vmcore.imaging.text_removal import cover_text, remove_text, text_in


class CleaningSettings(BaseModel):
    """How frames are cleaned; travels with a model so that it always sees what it learnt from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    top_strip: float = Field(0.08, ge=0.0, le=0.5)
    """Share of the height cut from the top where the file names no ultrasound region."""
    minimum_chroma: float = Field(40.0, ge=1.0, le=255.0)
    """Lowest colour threshold for annotations, 0..255."""
    dilation_px: int = Field(2, ge=0, le=15)
    """Radius by which found annotations are grown, pixels."""
    largest_annotated: float = Field(0.3, gt=0.0, le=1.0)
    """Above this coloured share the frame is colour Doppler or a photograph: left as it is."""
    remove_text: bool = True
    """Look for burned-in text by OCR and remove it."""
    remove_grey_drawing: bool = True
    """Look for white and grey callipers, dotted lines, ellipses and panels, and remove them."""


Kind = Literal["region", "strip", "annotation", "text", "colour"]


@dataclass(frozen=True, slots=True)
class Removal:
    """One thing that cleaning did: what kind, how many pixels, and why, in plain words."""

    kind: Kind
    pixels: int
    why: str


@dataclass(frozen=True, slots=True)
class CleanFrame:
    """A frame fit for a model and for export.

    Attributes:
        image: uint8 (h, w, 3), RGB, de-identified and free of annotations.
        mask: bool (h, w), True where pixels were painted over.
        offset: (row, column) of ``image`` in the frame it came from.
        removals: what was removed and why.
    """

    image: npt.NDArray[np.uint8]
    mask: npt.NDArray[np.bool_]
    offset: tuple[int, int]
    removals: tuple[Removal, ...] = ()

    def removed(self, kind: Kind) -> bool:
        """Whether anything of this kind was removed."""
        return any(removal.kind == kind for removal in self.removals)


def clean_frame(
    frame: npt.NDArray[np.uint8],
    *,
    region: Region | None = None,
    settings: CleaningSettings | None = None,
    still_text: npt.NDArray[np.bool_] | None = None,
) -> CleanFrame:
    """Cut the frame to its scan, take off annotations, coloured or grey, and burned-in text.

    Grey tissue passes bit for bit: only masked pixels change, and a frame without drawing and
    without text changes nowhere.

    Args:
        frame: uint8 (H, W, 3), RGB.
        region: the scan's ultrasound region where the file names one (``Scan.region``); without
            it a strip is cut from the top, as in the paper.
        settings: see :class:`CleaningSettings`.
        still_text: bool (h, w) of the cut picture, where text stands in every frame of a loop
            (:func:`still_text`); then text is taken off there and looked for nowhere.

    Raises:
        ValueError: the frame is not uint8 (H, W, 3).
    """
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
        raise ValueError(f"A frame must be uint8 (H, W, 3), not {frame.dtype} {frame.shape}.")
    settings = settings or CleaningSettings()
    cut, removal = _cut(frame, region, settings)
    image = frame[cut.row : cut.row + cut.height, cut.column : cut.column + cut.width].copy()
    removals = [removal] if removal else []
    mask = np.zeros(image.shape[:2], bool)

    evidence = colour_evidence(
        image, minimum_chroma=settings.minimum_chroma, dilation_px=settings.dilation_px
    )
    share = float(evidence.mask.mean())
    if share > settings.largest_annotated:
        why = f"{share:.0%} of the frame is coloured: Doppler or a photograph, left as it is"
        removals.append(Removal("colour", 0, why))
    elif share > 0:
        image = paint_over(image, evidence.mask)
        mask |= evidence.mask
        why = "coloured drawing (callipers, arrows or text) was painted over from its surroundings"
        removals.append(Removal("annotation", int(evidence.mask.sum()), why))
    looks = settings.remove_text and still_text is None
    texts = _shifted(text_in(frame), cut) if looks else ()
    drawn = grey_drawing(image, texts) if settings.remove_grey_drawing else np.zeros_like(mask)
    if drawn.any():
        image = paint_over(image, drawn)
        mask |= drawn
        why = "white or grey drawing (callipers, dotted lines or results) was painted over"
        removals.append(Removal("annotation", int(drawn.sum()), why))
    if settings.remove_text:
        if still_text is None:
            image, text = remove_text(image, texts)
        else:
            image, text = cover_text(image, still_text), still_text
        if text.any():
            mask |= text
            why = "burned-in text was found and removed; text can identify a person"
            removals.append(Removal("text", int(text.sum()), why))
    return CleanFrame(image, mask, (cut.row, cut.column), tuple(removals))


def still_text(
    frames: Frames,
    *,
    region: Region | None = None,
    settings: CleaningSettings | None = None,
) -> npt.NDArray[np.bool_]:
    """Where text stands in a loop, by its first, middle and last frame; bool (h, w) of the cut picture.

    In place of one of them that is damaged the nearest sound frame before or after it is looked at.

    Args:
        frames: uint8 (T, H, W, 3), RGB.
        region: as for :func:`clean_frame`.
        settings: the same.
    """
    settings = settings or CleaningSettings()
    count = len(frames)
    cut, _ = _cut(_nearest_sound(frames, 0), region, settings)
    found = np.zeros((cut.height, cut.width), bool)
    if not settings.remove_text:
        return found
    for at in sorted({0, count // 2, count - 1}):
        frame = _nearest_sound(frames, at)
        image = frame[cut.row : cut.row + cut.height, cut.column : cut.column + cut.width].copy()
        found |= remove_text(image, _shifted(text_in(frame), cut)).mask
    return found


def _nearest_sound(frames: Frames, at: int) -> npt.NDArray[np.uint8]:
    for other in sorted(range(len(frames)), key=lambda frame: abs(frame - at)):
        with suppress(FrameError):
            sound: npt.NDArray[np.uint8] = frames[other]
            return sound
    raise ScanError("No frame of the loop can be decoded.")


def _cut(
    frame: npt.NDArray[np.uint8], region: Region | None, settings: CleaningSettings
) -> tuple[Region, Removal | None]:
    height, width = frame.shape[:2]
    if region is not None:
        inside = Region(
            min(region.row, height - 1),
            min(region.column, width - 1),
            min(region.height, height - region.row),
            min(region.width, width - region.column),
        )
        lost = height * width - inside.height * inside.width
        why = "everything outside the ultrasound region that the file names was cut off"
        return inside, Removal("region", lost, why) if lost else None
    strip = round(settings.top_strip * height)
    why = f"the top {settings.top_strip:.0%} was cut off, where scanners print names and numbers"
    return (
        Region(strip, 0, height - strip, width),
        Removal("strip", strip * width, why) if strip else None,
    )


def _shifted(regions: tuple[Region, ...], cut: Region) -> tuple[Region, ...]:
    """Move regions of the whole frame into the cut image; those outside of it drop out.

    Text is looked for before the cut, so that words which the cut goes through are found too.
    """
    inside = []
    for row, column, height, width in regions:
        top, left = max(row - cut.row, 0), max(column - cut.column, 0)
        bottom = min(row + height - cut.row, cut.height)
        right = min(column + width - cut.column, cut.width)
        if bottom > top and right > left:
            inside.append(Region(top, left, bottom - top, right - left))
    return tuple(inside)
