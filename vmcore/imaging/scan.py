"""What a scan is once it has been read: pixels and geometry, and nothing that names a person."""

from __future__ import annotations

import io
import mmap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, Union

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from vmcore.imaging.loop_frames import LoopFrames

Content: TypeAlias = bytes | mmap.mmap
"""A file's bytes, read or mapped."""
Encoded: TypeAlias = Content | memoryview
"""A part of a content, copied or not."""
Frames: TypeAlias = Union[npt.NDArray[np.uint8], "LoopFrames"]
"""Frames of a still or a short loop as an array, those of a long loop decoded when they are taken."""


def stream_of(content: Content) -> Any:
    """A content as something to read from; what is mapped is not copied."""
    if isinstance(content, bytes):
        return io.BytesIO(content)
    content.seek(0)
    return content


class ScanError(ValueError):
    """A file that cannot be used as a scan.

    The message is one sentence for a sonographer. It never quotes the file's name or contents,
    because both may identify a person.
    """


class BusyError(ScanError):
    """This machine cannot read a file just now, whatever the file is."""


class GoneError(ScanError):
    """The file has ended its worker, or the machine was too busy to let it finish; nobody can tell which."""


class FrameError(ScanError):
    """One frame of a loop that cannot be decoded, while others may be; the message says which."""


class Region(NamedTuple):
    """A rectangle of pixels: ``frame[row:row + height, column:column + width]``."""

    row: int
    column: int
    height: int
    width: int


class Calibration(NamedTuple):
    """What a pixel is in one part of the picture: (row, column) millimetres."""

    region: Region
    spacing_mm: tuple[float, float]


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """The most that a file may claim before it is refused, checked before decoding.

    ``frame_pixels`` counts one frame's pixels, ``total_pixels`` those of all frames, ``whole_pixels``
    those of frames that can only be held in memory together.
    """

    file_bytes: int = 256 * 2**20
    frame_pixels: int = 25_000_000
    total_pixels: int = 2_000_000_000
    whole_pixels: int = 400_000_000
    frames: int = 2_000
    smallest_side: int = 32

    def check_geometry(self, rows: int, columns: int, frames: int = 1) -> None:
        """Raise :class:`ScanError` when an image of this claimed size must not be decoded."""
        if rows < 1 or columns < 1 or frames < 1:
            raise ScanError("The file says that its image has no pixels.")
        if min(rows, columns) < self.smallest_side:
            raise ScanError(
                f"The image is too small to be a scan ({columns} x {rows} pixels; "
                f"at least {self.smallest_side} on each side are needed)."
            )
        if rows * columns > self.frame_pixels:
            raise ScanError(
                f"The image claims {columns} x {rows} pixels, more than the limit of "
                f"{self.frame_pixels / 1e6:.0f} million."
            )
        if frames > self.frames:
            raise ScanError(
                f"The file claims {frames} frames, more than the limit of {self.frames}."
            )
        self._check_together(rows, columns, frames, self.total_pixels)

    def check_whole(self, rows: int, columns: int, frames: int) -> None:
        """Raise :class:`ScanError` when frames of this size must not be held in memory together."""
        self._check_together(rows, columns, frames, min(self.whole_pixels, self.total_pixels))

    def _check_together(self, rows: int, columns: int, frames: int, limit: int) -> None:
        if rows * columns * frames > limit:
            raise ScanError(
                f"The loop claims {frames} frames of {columns} x {rows} pixels, more than the "
                f"limit of {limit / 1e6:.0f} million pixels together; "
                "export a shorter loop or a single frame."
            )


@dataclass(frozen=True, slots=True)
class Scan:
    """A read scan, free of identity by construction.

    Attributes:
        frames: uint8 (T, H, W, 3), RGB, T >= 1: an array, or for a long loop
            :class:`~vmcore.imaging.LoopFrames`, which decodes each frame when it is taken. Burned-in text may still be in the pixels;
            :func:`vmcore.imaging.clean_frame` removes it.
        spacing_mm: (row, column) millimetres per pixel, or None when the file does not say.
        device: manufacturer and model, or None.
        region: the B-mode region (DICOM PS3.3 C.8.5.5), or None when the file does not say.
        calibrations: what a pixel is in each B-mode region that says so, the judged one first.
        pixel_aspect: a pixel's height over its width; 1 where nobody says.
        kind: the file's format in words, such as "DICOM" or "PNG".
        notes: what the reader of the picture should know about how it was read, a sentence each.
            They quote nothing of the file but counts.
    """

    frames: Frames
    spacing_mm: tuple[float, float] | None
    device: str | None
    region: Region | None = None
    kind: str = ""
    notes: tuple[str, ...] = ()
    calibrations: tuple[Calibration, ...] = ()
    pixel_aspect: float = 1.0
