"""Open a DICOM file: with or without its preamble, deflated within bounds, a disc's index named."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
)
from pydicom.valuerep import VR

from vmcore.imaging.scan import ReadLimits, ScanError

_MARK, _BODY = b"DICM", 132  # PS3.10 section 7.1
_VRS = {vr.value.encode() for vr in VR if len(vr.value) == 2}
_LONG_VRS = {
    b"OB",
    b"OD",
    b"OF",
    b"OL",
    b"OV",
    b"OW",
    b"SQ",
    b"SV",
    b"UC",
    b"UN",
    b"UR",
    b"UT",
    b"UV",
}
_UNDEFINED = 0xFFFFFFFF
_LONGEST = 2**28  # bytes that the first elements of a data set may claim
_FIRST_GROUPS = {0x0002: 2, 0x0008: 2, 0x0010: 3, 0x0018: 3, 0x0020: 3, 0x0028: 3}
"""Groups that a bare data set may begin with, and how many elements in a row make it one."""


class _Element(NamedTuple):
    tag: int
    value: int  # place of the value
    length: int


def looks_like_dicom(data: bytes) -> bool:
    """Tell whether bytes are DICOM: the DICM mark, or a data set that starts without a preamble.

    Args:
        data: the file, or its first 132 bytes.
    """
    if data[128:_BODY] == _MARK:
        return True
    encodings = (("<", True), ("<", False), (">", True))
    return any(_starts_as_data_set(data, order, explicit=explicit) for order, explicit in encodings)


def open_dataset(data: bytes, limits: ReadLimits, *, stop_before_pixels: bool = False) -> Dataset:
    """Parse a file whose beginning looks like DICOM.

    Args:
        data: the file.
        limits: the most that it may unpack to.
        stop_before_pixels: read its header alone.

    Returns:
        the data set, whose ``file_meta`` names a transfer syntax.

    Raises:
        ScanError: a disc's index, a deflated file that unpacks to more than ``limits.file_bytes``,
            or compressed pixels of which nothing says how they are compressed.
    """
    syntax, body = _transfer_syntax(data)
    if syntax == DeflatedExplicitVRLittleEndian:
        dataset = dcmread(
            io.BytesIO(_inflated(data[body:], limits)),
            force=True,
            stop_before_pixels=stop_before_pixels,
        )
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    else:
        dataset = dcmread(io.BytesIO(data), force=True, stop_before_pixels=stop_before_pixels)
    _refuse_index(dataset)
    _settle_transfer_syntax(dataset)
    return dataset


def _elements(data: bytes, place: int, order: str, *, explicit: bool) -> Iterator[_Element | None]:
    """Headers of the elements from a place on; None, and no more, where there is none."""
    while place + 8 <= len(data):
        group, element = struct.unpack_from(order + "HH", data, place)
        if not explicit:
            (length,) = struct.unpack_from(order + "I", data, place + 4)
            value = place + 8
        else:
            vr = data[place + 4 : place + 6]
            if vr not in _VRS or (vr in _LONG_VRS and place + 12 > len(data)):
                yield None
                return
            if vr in _LONG_VRS:
                (length,) = struct.unpack_from(order + "I", data, place + 8)
                value = place + 12
            else:
                (length,) = struct.unpack_from(order + "H", data, place + 6)
                value = place + 8
        yield _Element(group << 16 | element, value, length)
        if length == _UNDEFINED:
            return
        place = value + length


def _starts_as_data_set(data: bytes, order: str, *, explicit: bool) -> bool:
    last, seen, needed = -1, 0, 0
    for found in _elements(data, 0, order, explicit=explicit):
        if found is None or found.tag <= last:
            return False
        if seen == 0:
            needed = _FIRST_GROUPS.get(found.tag >> 16, 0)
            if not needed or found.tag & 0xFFFF > 0xFF:
                return False
        if _LONGEST < found.length != _UNDEFINED:
            return False
        last, seen = found.tag, seen + 1
        if seen == 6:
            break
    return 0 < needed <= seen


def _transfer_syntax(data: bytes) -> tuple[str, int]:
    """What the meta header (group 0002, always explicit little endian) says, and where it ends."""
    place = _BODY if data[128:_BODY] == _MARK else 0
    syntax = ""
    for found in _elements(data, place, "<", explicit=True):
        if found is None or found.tag >> 16 != 0x0002 or found.length == _UNDEFINED:
            break
        place = found.value + found.length
        if found.tag == 0x00020010:
            syntax = data[found.value : place].decode("ascii", "replace").strip("\0 ")
    return syntax, place


def _inflated(packed: bytes, limits: ReadLimits) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    unpacked = inflater.decompress(packed, limits.file_bytes + 1)
    if len(unpacked) > limits.file_bytes:
        raise ScanError(
            f"The DICOM file unpacks to more than the limit of {limits.file_bytes // 2**20} MB."
        )
    if not inflater.eof:
        raise ScanError("The DICOM file is incomplete: its packed contents were cut short.")
    return unpacked


def _refuse_index(dataset: Dataset) -> None:
    kind = dataset.file_meta.get("MediaStorageSOPClassUID", "")
    if kind != MediaStorageDirectoryStorage and "DirectoryRecordSequence" not in dataset:
        return
    raise ScanError(
        "This is a disc's index (DICOMDIR), which holds no pictures itself; add the image files, "
        "which lie in the folders beside it on the disc."
    )


def _settle_transfer_syntax(dataset: Dataset) -> None:
    """Name the encoding that was found where no meta header says it (PS3.10 without section 7.1)."""
    if str(dataset.file_meta.get("TransferSyntaxUID", "") or "").strip():
        return
    if "PixelData" in dataset and dataset["PixelData"].is_undefined_length:
        raise ScanError(
            "The DICOM file does not say how its image is compressed; export it uncompressed."
        )
    implicit, little = dataset.original_encoding
    explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
    dataset.file_meta.TransferSyntaxUID = UID(ImplicitVRLittleEndian if implicit else explicit)
