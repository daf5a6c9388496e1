"""Open a DICOM file: with or without its preamble, deflated within bounds, a disc's index named."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

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

from vmcore.imaging.scan import Content, ReadLimits, ScanError, stream_of

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
_LEFT_IN_PLACE = 2**20  # bytes of a value; tables and regions are far smaller
_FIRST_GROUPS = {0x0002: 2, 0x0008: 2, 0x0010: 3, 0x0018: 3, 0x0020: 3, 0x0028: 3}
"""Groups that a bare data set may begin with, and how many elements in a row make it one."""


class _Element(NamedTuple):
    tag: int
    value: int  # place of the value
    length: int


def looks_like_dicom(data: Content) -> bool:
    """Tell whether bytes are DICOM: the DICM mark, or a data set that starts without a preamble.

    Args:
        data: the file, or its first 132 bytes.
    """
    if data[128:_BODY] == _MARK:
        return True
    encodings = (("<", True), ("<", False), (">", True))
    return any(_starts_as_data_set(data, order, explicit=explicit) for order, explicit in encodings)


def open_dataset(data: Content, limits: ReadLimits, *, stop_before_pixels: bool = False) -> Dataset:
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
    return _open(data, limits, stop_before_pixels=stop_before_pixels)[0]


def open_in_place(data: Content, limits: ReadLimits) -> tuple[Dataset, Content]:
    """As :func:`open_dataset`, but large values, such as pixels, stay where they are and are not read.

    Returns:
        the data set, and what the places in it are places of: ``data``, or what a deflated file
        unpacks to.
    """
    return _open(data, limits, defer_size=_LEFT_IN_PLACE)


def pixel_place(dataset: Dataset, content: Content) -> tuple[int, int]:
    """Where the pixel data's value begins and ends in what :func:`open_in_place` gave."""
    raw = dataset.get_item("PixelData", keep_deferred=True)
    start, length = getattr(raw, "value_tell", None), getattr(raw, "length", 0)
    if start is None:  # a sequence, whatever its name says
        raise ScanError("The DICOM file holds no image, or was cut short before it.")
    whole = len(content)
    return start, whole if length == _UNDEFINED else min(start + length, whole)


def _open(data: Content, limits: ReadLimits, **how: Any) -> tuple[Dataset, Content]:
    syntax, body = _transfer_syntax(data)
    content = data
    if syntax == DeflatedExplicitVRLittleEndian:
        content = _inflated(data[body:], limits)
    dataset = dcmread(stream_of(content), force=True, **how)
    if content is not data:
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    _refuse_index(dataset)
    _settle_transfer_syntax(dataset)
    return dataset, content


def _elements(
    data: Content, place: int, order: str, *, explicit: bool
) -> Iterator[_Element | None]:
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


def _starts_as_data_set(data: Content, order: str, *, explicit: bool) -> bool:
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


def _transfer_syntax(data: Content) -> tuple[str, int]:
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
    raw = dataset.get_item("PixelData", keep_deferred=True) if "PixelData" in dataset else None
    if getattr(raw, "length", 0) == _UNDEFINED:
        raise ScanError(
            "The DICOM file does not say how its image is compressed; export it uncompressed."
        )
    implicit, little = dataset.original_encoding
    explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
    dataset.file_meta.TransferSyntaxUID = UID(ImplicitVRLittleEndian if implicit else explicit)
