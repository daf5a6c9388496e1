"""Compressed frames (PS3.5 A.4): how many there are, and what their own headers say."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

from pydicom import Dataset
from pydicom.uid import (
    UID,
    JPEG2000TransferSyntaxes,
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
    RLELossless,
)

from vmcore.imaging.scan import Content, ScanError

_JPEG, _JPEG_2000 = b"\xff\xd8\xff", b"\xff\x4f\xff\x51"
_ITEM, _DELIMITER, _UNDEFINED = (0xFFFE, 0xE000), (0xFFFE, 0xE0DD), 0xFFFFFFFF
_HEAD = 64  # bytes that tell whether a frame begins
_AT_64 = (64).to_bytes(4, "little")
_JP2_BOX = b"\x00\x00\x00\x0cjP  "
_NEXT_JPEG = re.compile(rb"(?<=\xff\xd9)\0?(?=\xff\xd8\xff)")
_SIZES = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
"""JPEG markers that give the picture's size: SOF of any process, and of JPEG-LS."""
_VIDEO = {
    **dict.fromkeys(("100", "101"), "MPEG-2"),
    **dict.fromkeys(("102", "103", "104", "105", "106"), "MPEG-4 (H.264)"),
    **dict.fromkeys(("107", "108"), "HEVC (H.265)"),
}

Span = tuple[int, int]
"""Where bytes begin and end in a file."""
Spans = tuple[Span, ...]


class Codestream(NamedTuple):
    """What a compressed frame says of itself.

    ``adobe`` is the colour transform of an Adobe marker (0 none, 1 YCbCr), or None without one.
    """

    rows: int
    columns: int
    adobe: int | None = None


def refuse_video(dataset: Dataset) -> None:
    """Raise :class:`ScanError` for a film: its frames are none that stand for themselves."""
    syntax = str(dataset.file_meta.TransferSyntaxUID)
    number = syntax.removeprefix("1.2.840.10008.1.2.4.").split(".")[0]
    if syntax.startswith("1.2.840.10008.1.2.4.") and number in _VIDEO:
        raise ScanError(
            f"This DICOM file holds an {_VIDEO[number]} video; export the loop as multi-frame "
            "DICOM without video compression, or a frame as a still picture."
        )


def frame_spans(content: Content, start: int, end: int, syntax: UID) -> list[Spans]:
    """Where the compressed frames lie that are there, whatever the header and offset tables say.

    A frame begins where its codestream does, whichever fragments it is in.

    Args:
        content: the file.
        start: where the pixel data's first item begins, the offset table's.
        end: where they end at the latest.
        syntax: the transfer syntax.

    Raises:
        NotImplementedError: a transfer syntax that has no such frames.
        ScanError: no frame is there.
        ValueError: what lies there are no items.
    """
    run_lengths = syntax == RLELossless
    if not run_lengths and not _is_jpeg(syntax):
        raise NotImplementedError
    frames: list[list[Span]] = []
    for first, last in list(_fragments(content, start, end))[1:]:  # after the offset table
        parts = [(first, last)] if run_lengths else _split(content, first, last)
        for part in parts:
            head = content[part[0] : min(part[0] + _HEAD, part[1])]
            if not frames or (_begins_run_lengths(head) if run_lengths else _begins(head)):
                frames.append([part])
            else:
                frames[-1].append(part)
    if not frames:
        raise ScanError("The DICOM file holds no image: its pixel data are empty.")
    return [tuple(frame) for frame in frames]


def compressed_frame(content: Content, spans: Spans) -> bytes:
    """A frame's codestream, put together; one whose end mark lost its last, odd byte gets it back."""
    frame = b"".join(content[start:end] for start, end in spans)
    if frame.startswith((_JPEG, _JPEG_2000)) and frame.rstrip(b"\0").endswith(b"\xff"):
        return frame.rstrip(b"\0") + b"\xd9"
    return frame


def read_codestream(frame: bytes) -> Codestream | None:
    """Read a JPEG's or JPEG 2000's size from its header; None where it does not tell."""
    start = frame.find(_JPEG_2000, 0, 4096)
    if start >= 0 and not frame.startswith(_JPEG):
        if len(frame) < start + 24:
            return None
        right, bottom, left, top = struct.unpack_from(">IIII", frame, start + 8)
        return Codestream(bottom - top, right - left)
    place, adobe = 2, None
    while frame.startswith(_JPEG) and place + 9 <= len(frame) and frame[place] == 0xFF:
        marker, length = frame[place + 1], int.from_bytes(frame[place + 2 : place + 4], "big")
        if marker == 0xFF:  # fill
            place += 1
            continue
        if marker == 0xEE and frame[place + 4 : place + 9] == b"Adobe" and length >= 14:
            adobe = frame[place + 15]
        if marker in _SIZES:
            rows, columns = struct.unpack_from(">HH", frame, place + 5)
            return Codestream(rows, columns, adobe)
        place += 2 + length
    return None


def check_codestream(frame: bytes, rows: int, columns: int) -> None:
    """Refuse a frame that would decode to another size than the header's, before it does."""
    found = read_codestream(frame)
    if found is not None and found.rows and (found.rows, found.columns) != (rows, columns):
        raise ScanError("The DICOM file is damaged: its image is not as large as it says.")


def _fragments(content: Content, place: int, end: int) -> Iterator[Span]:
    """The items' values, one after the other (PS3.5 A.4); the last one may have been cut short."""
    while place + 4 <= end:
        group, element = struct.unpack_from("<HH", content, place)
        if (group, element) == _DELIMITER:
            return
        if (group, element) != _ITEM or place + 8 > end:
            raise ValueError("There is no item where one is needed.")
        (length,) = struct.unpack_from("<I", content, place + 4)
        if length == _UNDEFINED:
            raise ValueError("An item does not say where it ends.")
        yield place + 8, min(place + 8 + length, end)
        place += 8 + length


def _split(content: Content, first: int, last: int) -> list[Span]:
    """Several codestreams in one fragment, each for itself."""
    parts, begin = [], first
    for between in _NEXT_JPEG.finditer(content[first:last]):
        parts.append((begin, first + between.start()))
        begin = first + between.end()
    return [*parts, (begin, last)]


def _is_jpeg(syntax: UID) -> bool:
    return syntax in (*JPEGTransferSyntaxes, *JPEGLSTransferSyntaxes, *JPEG2000TransferSyntaxes)


def _begins(part: bytes) -> bool:
    return part.startswith((_JPEG, _JPEG_2000, _JP2_BOX))


def _begins_run_lengths(part: bytes) -> bool:
    """Whether an RLE header stands here (PS3.5 G.5): up to 15 segments, the first after 64 bytes."""
    return len(part) >= 64 and 1 <= int.from_bytes(part[:4], "little") <= 15 and part[4:8] == _AT_64
