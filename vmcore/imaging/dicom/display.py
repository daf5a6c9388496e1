"""How a file's stored values are shown: decided once, from some of its frames, for each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from vmcore.imaging.dicom.colours import (
    PALETTE_NOTE,
    PLANES_NOTE,
    RGB,
    YCBCR,
    colour_note,
    colour_space,
    palette_table,
    planes_are_wrong,
    reordered,
    to_rgb,
)
from vmcore.imaging.dicom.grey import GreyDisplay, grey_display
from vmcore.imaging.dicom.ranges import to_8_bits, used_top
from vmcore.imaging.scan import ScanError

GREY = {"MONOCHROME1", "MONOCHROME2"}
PALETTE = "PALETTE COLOR"
COLOUR = {
    "RGB": RGB,
    # the decoders undo JPEG 2000's own transforms
    "YBR_ICT": RGB,
    "YBR_RCT": RGB,
    "YBR_FULL": YCBCR,
    "YBR_FULL_422": YCBCR,
}
_TABLE_VALUES = 2**17  # a wider range of values is computed pixel by pixel
_CONTRADICTION = (
    "The DICOM file contradicts itself: its colour coding does not go with its samples per "
    "pixel. Export it anew."
)

Values = npt.NDArray[np.generic]
Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Display:
    """From a frame's stored values to RGB; numbers alone, which name nobody.

    Attributes:
        shape: of a frame's stored values: (H, W), or (H, W, 3) for colours.
        table: what each value is shown as, uint8 (N,) or (N, 3), from the value ``first`` on; of no value
            for colours.
        first: see ``table``.
        top: the sample value that is full colour.
        planes: whether samples were read as planes that are pixels, or the other way; None where they
            were read as they are.
        ycbcr: whether colours are YCbCr.
        compute: in place of a table that would be too large; such a display stays in its process.
    """

    shape: tuple[int, ...]
    table: npt.NDArray[np.uint8]
    first: int = 0
    top: int = 255
    planes: bool | None = None
    ycbcr: bool = False
    compute: Callable[[Values], npt.NDArray[np.uint8]] | None = None

    def show(self, values: Values) -> Picture:
        """A frame as a screen shows it, uint8 (H, W, 3).

        Raises:
            ScanError: the frame is of another size than the others.
        """
        if values.shape != self.shape:
            raise ScanError("The frame is not as large as the others.")
        if len(self.shape) == 3:
            picture = to_8_bits(values, self.top)[None]
            if self.planes is not None:
                picture = np.ascontiguousarray(reordered(picture, planes=self.planes))
            if self.ycbcr:
                to_rgb(picture)
            return picture[0]
        if self.compute is not None:
            shown = self.compute(values)
        else:
            shown = self.table.take(values.astype(np.intp) - self.first, axis=0, mode="clip")
        return shown if shown.ndim == 3 else np.repeat(shown[..., None], 3, axis=2)


@dataclass(frozen=True, slots=True)
class Looked:
    """The frames that a display is decided from.

    Attributes:
        frames: stored values, (T, H, W) or (T, H, W, 3), of :func:`~.colours.sampled` frames.
        middle: those of the middle one, (1, ...).
        said: the header's photometric interpretation.
        photometric: what the values are.
        planes: whether uncompressed colours were read as planes; None where there is no choice.
        all: goes through the stored values of every frame; asked for where nothing less tells.
    """

    frames: Values
    middle: Values
    said: str
    photometric: str
    planes: bool | None
    all: Callable[[], Iterator[Values]]


def decide(dataset: Dataset, looked: Looked) -> tuple[Display, tuple[str, ...]]:
    """How the frames are shown, and notes for the reader.

    Raises:
        ScanError: the header contradicts itself.
        Exception: whatever pydicom raises on a damaged palette.
    """
    said = looked.said
    shape = looked.frames.shape[1:]
    if shape[2:] != ((3,) if said in COLOUR else ()):
        raise ScanError(_CONTRADICTION)
    if said in COLOUR:
        return _colours(dataset, looked)
    if said == PALETTE:
        table, first, scaled = palette_table(dataset)
        return Display(shape, table, first), (PALETTE_NOTE,) if scaled else ()
    return _grey(dataset, looked, inverted=said == "MONOCHROME1")


def _colours(dataset: Dataset, looked: Looked) -> tuple[Display, tuple[str, ...]]:
    notes = []
    said, bits = COLOUR[looked.photometric], int(dataset.BitsStored)
    deep = said == RGB and bits > 8
    top = used_top(_range(looked.all())[1], bits) if deep else 2**bits - 1
    frames, middle = (to_8_bits(values, top) for values in (looked.frames, looked.middle))
    wrong = None
    if looked.planes is not None and planes_are_wrong(frames, middle, planes=looked.planes):
        wrong, frames = looked.planes, reordered(frames, planes=looked.planes)
        notes.append(PLANES_NOTE)
    space = colour_space(frames, said)
    if space != said:
        notes.append(colour_note(space))
    none = np.empty(0, np.uint8)
    display = Display(frames.shape[1:], none, top=top, planes=wrong, ycbcr=space == YCBCR)
    return display, tuple(notes)


def _grey(dataset: Dataset, looked: Looked, *, inverted: bool) -> tuple[Display, tuple[str, ...]]:
    kind = looked.frames.dtype
    here = int(looked.frames.min()), int(looked.frames.max())
    display, known = grey_display(dataset, *here), False
    if kind.itemsize <= 2:  # any value that a frame could hold
        ends = np.iinfo(kind.str)
        low, high = int(ends.min), int(ends.max)
        known = (
            display.steady
            and here[0] < here[1]
            and display.agrees(grey_display(dataset, low, high))
        )
    if not known:
        low, high = (int(end) for end in _range(looked.all()))
        display = grey_display(dataset, low, high)
    shape = looked.frames.shape[1:]
    if high - low >= _TABLE_VALUES:
        return _computed(shape, display, inverted=inverted), display.notes
    table = display.show(np.arange(low, high + 1), inverted=inverted)
    return Display(shape, table, low), display.notes


def _computed(shape: tuple[int, ...], grey: GreyDisplay, *, inverted: bool) -> Display:
    def compute(values: Values) -> npt.NDArray[np.uint8]:
        return grey.show(values, inverted=inverted)

    return Display(shape, np.empty(0, np.uint8), compute=compute)


def _range(frames: Iterator[Values]) -> Sequence[float]:
    ends = [(frame.min(), frame.max()) for frame in frames]
    return min(low for low, _ in ends), max(high for _, high in ends)
