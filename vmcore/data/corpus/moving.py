"""Frames of video files and slices of NIfTI volumes: what :func:`vmcore.imaging.read_scan` does not read.

These functions run in a worker of :class:`vmcore.imaging.sandbox.SandboxedReader`.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from vmcore.imaging import ReadLimits, ScanError
from vmcore.imaging.foreign import VIDEO, name_foreign

HEAD_BYTES = 1024
_NIFTI = ((344, b"n+1\0"), (4, b"n+2\0"))  # where the mark stands, NIfTI-1 and NIfTI-2
_GZIP = b"\x1f\x8b"
_MOST_FRAMES = 100_000
_DAMAGED_VIDEO = "The video is damaged or coded in a way that is not read here."
_DAMAGED_VOLUME = "The volume is damaged or incomplete and cannot be decoded."

Frames = list[tuple[int, npt.NDArray[np.uint8]]]
"""Chosen frames, uint8 (H, W, 3), RGB, each with its number."""


def evenly(count: int, most: int) -> list[int]:
    """Up to ``most`` of ``count`` numbers from 0, evenly spaced and away from both ends."""
    if count <= most:
        return list(range(count))
    return [(2 * number + 1) * count // (2 * most) for number in range(most)]


def reader_of(head: bytes) -> Callable[[bytes, ReadLimits, int], Frames] | None:
    """What reads a video or a volume, by the file's first ``HEAD_BYTES`` bytes; None where it is neither."""
    if name_foreign(head) == VIDEO:
        return video_frames
    if head.startswith(_GZIP):
        try:
            head = zlib.decompressobj(wbits=31).decompress(head, 540)
        except zlib.error:
            return None
    marked = any(head[place : place + 4] == mark for place, mark in _NIFTI)
    return volume_slices if marked else None


def video_frames(data: bytes, limits: ReadLimits, most: int) -> Frames:
    """Evenly spaced frames of a video (MP4, AVI, Matroska and what else OpenCV's FFmpeg reads).

    All frames are counted first: what a file says of their number is often wrong.

    Raises:
        ScanError: it is damaged, or its pictures are too small or too large.
    """
    descriptor = os.memfd_create("video", os.MFD_CLOEXEC)  # a file that has no name anywhere
    # a video may name other files and servers: none is opened
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = "protocol_whitelist;file"
    os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "-8"
    try:
        with os.fdopen(os.dup(descriptor), "wb") as stream:
            stream.write(data)
        place = f"/proc/self/fd/{descriptor}"
        count = _count(place, limits)
        if not count:
            raise ScanError(_DAMAGED_VIDEO)
        return _taken(place, evenly(count, most))
    finally:
        os.close(descriptor)


def _open(place: str) -> cv2.VideoCapture:
    return cv2.VideoCapture(place, cv2.CAP_FFMPEG)


def _count(place: str, limits: ReadLimits) -> int:
    capture = _open(place)
    try:
        if not capture.isOpened():
            raise ScanError(_DAMAGED_VIDEO)
        limits.check_geometry(
            int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)), int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        )
        count = 0
        while count < _MOST_FRAMES and capture.grab():
            count += 1
        return count
    finally:
        capture.release()


def _taken(place: str, chosen: list[int]) -> Frames:
    capture = _open(place)
    frames: Frames = []
    try:
        for number in range(chosen[-1] + 1):
            if not capture.grab():
                break
            if number in chosen:
                done, frame = capture.retrieve()
                if done:
                    frames.append((number, cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)))
    finally:
        capture.release()
    if not frames:
        raise ScanError(_DAMAGED_VIDEO)
    return frames


def volume_slices(data: bytes, limits: ReadLimits, most: int) -> Frames:
    """Evenly spaced slices of a NIfTI volume along its third axis, or its fourth where it has one.

    More than 8 bits are scaled by the volume's own range.

    Raises:
        ScanError: it is damaged, too large, or no volume of grey values.
    """
    import nibabel  # noqa: PLC0415  for the workers that meet a volume alone

    data = _unpacked(data, limits)
    try:
        kind = nibabel.Nifti2Image if data[4:8] == _NIFTI[1][1] else nibabel.Nifti1Image
        image = kind.from_bytes(data)
        shape = image.shape
    except Exception:  # its own kinds, of damaged headers
        raise ScanError(_DAMAGED_VOLUME) from None
    if len(shape) < 2:
        raise ScanError(_DAMAGED_VOLUME)
    columns, rows, *others = shape
    limits.check_geometry(rows, columns, int(np.prod(others, dtype=np.int64)))
    try:
        values = np.asarray(image.dataobj)
    except Exception:
        raise ScanError(_DAMAGED_VOLUME) from None
    if values.dtype.kind not in "uif" or not np.isfinite(values).all():
        raise ScanError("The volume holds values that are no grey values.")
    flat = values.reshape(columns, rows, -1)
    if flat.dtype != np.uint8:
        low, high = float(flat.min()), float(flat.max())
        flat = np.rint((flat - low) * (255 / max(high - low, 1e-9))).astype(np.uint8)
    chosen = evenly(flat.shape[2], most)
    return [(at, np.repeat(flat[:, :, at].T[..., None], 3, axis=2)) for at in chosen]


def _unpacked(data: bytes, limits: ReadLimits) -> bytes:
    if not data.startswith(_GZIP):
        return data
    most, unpacked = limits.file_bytes * 4, b""
    while data.startswith(_GZIP):  # one member after the other, as bgzip writes them
        stream = zlib.decompressobj(wbits=31)
        try:
            unpacked += stream.decompress(data, most + 1 - len(unpacked))
        except zlib.error:
            raise ScanError(_DAMAGED_VOLUME) from None
        if len(unpacked) > most:
            raise ScanError(f"The volume unpacks to more than the limit of {most // 2**20} MB.")
        data = stream.unused_data
    return unpacked
