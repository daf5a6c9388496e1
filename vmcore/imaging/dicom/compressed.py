"""Compressed frames (PS3.5 A.4): how many there are, and what their own headers say."""

from __future__ import annotations

import re
import struct
from typing import NamedTuple

from pydicom import Dataset
from pydicom.encaps import encapsulate, generate_fragments
from pydicom.uid import (
    UID,
    JPEG2000TransferSyntaxes,
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
    RLELossless,
)

from vmcore.imaging.scan import ScanError

_JPEG, _JPEG_2000 = b"\xff\xd8\xff", b"\xff\x4f\xff\x51"
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


def unpack_frames(dataset: Dataset) -> list[bytes]:
    """The compressed frames that are there, whatever the header and offset tables say.

    A frame begins where its codestream does, whichever fragments it is in.

    Raises:
        NotImplementedError: a transfer syntax that has no such frames.
        ScanError: no frame is there.
    """
    syntax = dataset.file_meta.TransferSyntaxUID
    run_lengths = syntax == RLELossless
    if not run_lengths and not _is_jpeg(syntax):
        raise NotImplementedError
    frames: list[bytes] = []
    for fragment in list(generate_fragments(dataset.PixelData))[1:]:  # after the offset table
        for part in [fragment] if run_lengths else _NEXT_JPEG.split(fragment):
            if not frames or (_begins_run_lengths(part) if run_lengths else _begins(part)):
                frames.append(part)
            else:
                frames[-1] += part
    if not frames:
        raise ScanError("The DICOM file holds no image: its pixel data are empty.")
    return [_ended(frame) for frame in frames]


def repack(dataset: Dataset, frames: list[bytes]) -> None:
    """Put frames back, a fragment each, without the offset tables that may be wrong."""
    for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        if keyword in dataset:
            delattr(dataset, keyword)
    dataset.PixelData = encapsulate(frames, has_bot=False)
    dataset.NumberOfFrames = len(frames)


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


def check_codestreams(frames: list[bytes], rows: int, columns: int) -> None:
    """Refuse frames that would decode to another size than the header's, before they do."""
    for frame in frames:
        found = read_codestream(frame)
        if found is not None and found.rows and (found.rows, found.columns) != (rows, columns):
            raise ScanError("The DICOM file is damaged: its image is not as large as it says.")


def _is_jpeg(syntax: UID) -> bool:
    return syntax in (*JPEGTransferSyntaxes, *JPEGLSTransferSyntaxes, *JPEG2000TransferSyntaxes)


def _begins(part: bytes) -> bool:
    return part.startswith((_JPEG, _JPEG_2000, _JP2_BOX))


def _begins_run_lengths(part: bytes) -> bool:
    """Whether an RLE header stands here (PS3.5 G.5): up to 15 segments, the first after 64 bytes."""
    return len(part) >= 64 and 1 <= int.from_bytes(part[:4], "little") <= 15 and part[4:8] == _AT_64


def _ended(frame: bytes) -> bytes:
    """A codestream whose end mark lost its last, odd byte gets it back."""
    if frame.startswith((_JPEG, _JPEG_2000)) and frame.rstrip(b"\0").endswith(b"\xff"):
        return frame.rstrip(b"\0") + b"\xd9"
    return frame
