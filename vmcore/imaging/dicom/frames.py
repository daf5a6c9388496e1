"""Which frames a DICOM file holds, counted rather than believed, and their stored values."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.pixels.decoders.base import get_decoder

from vmcore.imaging.dicom.compressed import (
    check_codestreams,
    read_codestream,
    repack,
    unpack_frames,
)
from vmcore.imaging.dicom.values import whole_number
from vmcore.imaging.scan import ReadLimits, ScanError

_INCOMPLETE = "The DICOM file is incomplete: frames that it announces are missing."
_PART = "The DICOM file is damaged or incomplete: part of its picture is missing."
_LAST_BYTE = "The last byte of the picture is missing and was filled in; the rest is whole."
_LEFT_OVER = "The file holds more data than its picture needs; what is left over was not read."


class Stored(NamedTuple):
    """Stored values before any of them is shown.

    Attributes:
        values: (T, H, W), or (T, H, W, 3) for colours.
        photometric: what the values are, by the header as the codestream corrects it.
        planes: whether uncompressed colours were read as planes; None where there is no choice.
        notes: for the reader.
    """

    values: npt.NDArray[np.generic]
    photometric: str
    planes: bool | None
    notes: tuple[str, ...]


def read_frames(dataset: Dataset, limits: ReadLimits) -> Stored:
    """Decode every frame that is there, without any colour conversion.

    Raises:
        ScanError: fewer frames than announced, part of one, or more than the limits.
        Exception: whatever pydicom and its decoders raise on damaged files.
    """
    rows, columns = (whole_number(dataset, name) or 0 for name in ("Rows", "Columns"))
    announced = whole_number(dataset, "NumberOfFrames")
    announced = announced if announced and announced > 0 else None
    limits.check_geometry(rows, columns, announced or 1)
    if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        count, notes = _count_compressed(dataset, rows, columns, announced)
    else:
        count, notes = _count_plain(dataset, rows, columns, announced)
    limits.check_geometry(rows, columns, count)
    planes = _planes(dataset)
    values, photometric = _decode(dataset, count)
    if count > (announced or 1):
        said = f"announces {announced} of them" if announced else "does not say so"
        notes = (*notes, f"The file holds {count} frames but {said}; all of them were read.")
    return Stored(values, photometric, planes, notes)


def _count_compressed(
    dataset: Dataset, rows: int, columns: int, announced: int | None
) -> tuple[int, tuple[str, ...]]:
    frames = unpack_frames(dataset)
    if len(frames) < (announced or 1):
        raise ScanError(_INCOMPLETE)
    check_codestreams(frames, rows, columns)
    first = read_codestream(frames[0])
    if first is not None and first.adobe is not None and int(dataset.SamplesPerPixel) == 3:
        dataset.PhotometricInterpretation = "YBR_FULL" if first.adobe else "RGB"
    repack(dataset, frames)
    return len(frames), ()


def _count_plain(
    dataset: Dataset, rows: int, columns: int, announced: int | None
) -> tuple[int, tuple[str, ...]]:
    samples, bits = int(dataset.SamplesPerPixel), int(dataset.BitsAllocated)
    size = len(dataset.PixelData)
    notes: tuple[str, ...] = ()
    if bits % 8:
        dataset.NumberOfFrames = announced or 1
        return announced or 1, ()
    whole = rows * columns * samples * bits // 8
    if dataset.PhotometricInterpretation == "YBR_FULL_422":
        halved = whole * 2 // 3
        if _fits(size, whole, announced) and not _fits(size, halved, announced):
            dataset.PhotometricInterpretation = "YBR_FULL"  # not subsampled, whatever it says
        else:
            whole = halved
    count = announced or max((size + 1) // whole, 1)
    if size == count * whole - 1 and count * whole % 2:
        dataset.PixelData += dataset.PixelData[-1:]
        size, notes = size + 1, (_LAST_BYTE,)
    if size < count * whole:
        raise ScanError(_INCOMPLETE if announced else _PART)
    count = max(count, size // whole)
    if announced is None and size - count * whole > 1:
        if count > 1:  # the last of several frames was cut
            raise ScanError(_PART)
        notes = (_LEFT_OVER,)
    dataset.NumberOfFrames = count
    return count, notes


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


def _decode(dataset: Dataset, count: int) -> tuple[npt.NDArray[np.generic], str]:
    values: npt.NDArray[np.generic] | None = None
    photometric = str(dataset.PhotometricInterpretation)
    seen = 0
    decoder = get_decoder(dataset.file_meta.TransferSyntaxUID)
    for index, (frame, said) in enumerate(decoder.iter_array(dataset, raw=True)):
        if values is None:
            values = np.empty((count, *frame.shape), frame.dtype.newbyteorder("="))
            photometric = str(said["photometric_interpretation"])
        if index >= count or frame.shape != values.shape[1:]:
            break
        values[index] = frame
        seen = index + 1
    if values is None or seen != count:
        raise ScanError(_INCOMPLETE)
    return values, photometric
