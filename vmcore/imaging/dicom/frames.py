"""Which frames a DICOM file holds, counted rather than believed, where they lie, and their stored values."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.pixels.decoders.base import get_decoder

from vmcore.imaging.dicom.coding import Coding
from vmcore.imaging.dicom.compressed import (
    Spans,
    check_codestream,
    compressed_frame,
    frame_spans,
    read_codestream,
)
from vmcore.imaging.dicom.opening import pixel_place
from vmcore.imaging.dicom.values import whole_number
from vmcore.imaging.scan import Content, ReadLimits, ScanError

_INCOMPLETE = "The DICOM file is incomplete: frames that it announces are missing."
_PART = "The DICOM file is damaged or incomplete: part of its picture is missing."
_LAST_BYTE = "The last byte of the picture is missing and was filled in; the rest is whole."
_LEFT_OVER = "The file holds more data than its picture needs; what is left over was not read."


@dataclass(frozen=True, slots=True)
class Stored:
    """Frames before any of them is shown, decoded one by one where the file's coding allows that.

    Attributes:
        spans: where each frame's bytes lie in the content.
        coding: how a frame is decoded from them; None where all frames could only be decoded together.
        together: those, (T, H, W) or (T, H, W, 3), of no frame otherwise.
        photometric: what they are.
        planes: whether uncompressed colours are read as planes; None where there is no choice.
        notes: for the reader.
    """

    spans: tuple[Spans, ...]
    coding: Coding | None
    together: npt.NDArray[np.generic]
    photometric: str
    planes: bool | None
    notes: tuple[str, ...]

    def __len__(self) -> int:
        """How many frames there are."""
        return len(self.spans)

    def values(self, content: Content, frame: int) -> tuple[npt.NDArray[np.generic], str]:
        """A frame's stored values, and what they are.

        Raises:
            Exception: whatever pydicom and its decoders raise on a damaged frame.
        """
        if self.coding is None:
            return self.together[frame].copy(), self.photometric
        return self.coding.decode(self.coding.encoded(content, self.spans[frame]))


def find_frames(dataset: Dataset, content: Content, limits: ReadLimits) -> Stored:
    """Find every frame that is there; none is decoded but those that cannot be told apart.

    Args:
        dataset: the header; settled where it is wrong about its frames.
        content: the file, or what it unpacks to.
        limits: see :class:`~vmcore.imaging.ReadLimits`.

    Raises:
        ScanError: fewer frames than announced, part of one, or more than the limits.
        Exception: whatever pydicom raises on damaged files.
    """
    rows, columns = (whole_number(dataset, name) or 0 for name in ("Rows", "Columns"))
    announced = whole_number(dataset, "NumberOfFrames")
    announced = announced if announced and announced > 0 else None
    limits.check_geometry(rows, columns, announced or 1)
    syntax = dataset.file_meta.TransferSyntaxUID
    start, end = pixel_place(dataset, content)
    notes: tuple[str, ...] = ()
    frame_bytes = 0
    if syntax.is_encapsulated:
        spans = _compressed(dataset, content, (start, end), announced)
    elif int(dataset.BitsAllocated) % 8:
        spans = [((start, end),)] * (announced or 1)
    else:
        frame_bytes, count, notes = _plain(dataset, end - start, announced)
        places = [start + frame_bytes * at for at in range(count + 1)]
        spans = [((at, min(to, end)),) for at, to in pairwise(places)]
    limits.check_geometry(rows, columns, len(spans))
    planes = _planes(dataset)
    if len(spans) > (announced or 1):
        said = f"announces {announced} of them" if announced else "does not say so"
        notes = (*notes, f"The file holds {len(spans)} frames but {said}; all of them were read.")
    photometric = str(dataset.PhotometricInterpretation)
    if syntax.is_encapsulated or (frame_bytes and syntax.is_little_endian):
        coding, none = Coding.of(dataset, frame_bytes), np.empty(0, np.uint8)
        return Stored(tuple(spans), coding, none, photometric, planes, notes)
    dataset.NumberOfFrames = len(spans)
    pixels = bytes(content[start:end])
    dataset.PixelData = pixels.ljust(len(spans) * frame_bytes, pixels[-1:])
    limits.check_whole(rows, columns, len(spans))
    values = _decode(dataset, len(spans))
    return Stored(tuple(spans), None, values, photometric, planes, notes)


def _compressed(
    dataset: Dataset, content: Content, place: tuple[int, int], announced: int | None
) -> list[Spans]:
    spans = frame_spans(content, *place, dataset.file_meta.TransferSyntaxUID)
    if len(spans) < (announced or 1):
        raise ScanError(_INCOMPLETE)
    for frame in spans:
        check_codestream(compressed_frame(content, frame), dataset.Rows, dataset.Columns)
    first = read_codestream(compressed_frame(content, spans[0]))
    if first is not None and first.adobe is not None and int(dataset.SamplesPerPixel) == 3:
        dataset.PhotometricInterpretation = "YBR_FULL" if first.adobe else "RGB"
    return spans


def _plain(dataset: Dataset, size: int, announced: int | None) -> tuple[int, int, tuple[str, ...]]:
    """Bytes of a frame, how many frames there are, and notes."""
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    notes: tuple[str, ...] = ()
    whole = rows * columns * int(dataset.SamplesPerPixel) * int(dataset.BitsAllocated) // 8
    if dataset.PhotometricInterpretation == "YBR_FULL_422":
        halved = whole * 2 // 3
        if _fits(size, whole, announced) and not _fits(size, halved, announced):
            dataset.PhotometricInterpretation = "YBR_FULL"  # not subsampled, whatever it says
        else:
            whole = halved
    count = announced or max((size + 1) // whole, 1)
    if size == count * whole - 1 and count * whole % 2:
        size, notes = size + 1, (_LAST_BYTE,)
    if size < count * whole:
        raise ScanError(_INCOMPLETE if announced else _PART)
    count = max(count, size // whole)
    if announced is None and size - count * whole > 1:
        if count > 1:  # the last of several frames was cut
            raise ScanError(_PART)
        notes = (_LEFT_OVER,)
    return whole, count, notes


def _fits(size: int, frame: int, announced: int | None) -> bool:
    """Whether so many bytes are whole frames, but for one that pads or lacks."""
    count = announced or max((size + 1) // frame, 1)
    return abs(size - count * frame) <= 1


def _planes(dataset: Dataset) -> bool | None:
    """Settle PlanarConfiguration where it is missing; None where there are no colours to order."""
    if whole_number(dataset, "SamplesPerPixel") != 3:
        return None
    said = whole_number(dataset, "PlanarConfiguration")
    dataset.PlanarConfiguration = said if said in {0, 1} else 0
    compressed = dataset.file_meta.TransferSyntaxUID.is_encapsulated
    if compressed or dataset.PhotometricInterpretation == "YBR_FULL_422":
        return None
    return said == 1


def _decode(dataset: Dataset, count: int) -> npt.NDArray[np.generic]:
    decoder = get_decoder(dataset.file_meta.TransferSyntaxUID)
    frames = [frame for frame, _ in decoder.iter_array(dataset, raw=True)]
    if len(frames) < count or len({frame.shape for frame in frames}) != 1:
        raise ScanError(_INCOMPLETE)
    values = np.stack(frames[:count])
    return values.astype(values.dtype.newbyteorder("="), copy=False)
