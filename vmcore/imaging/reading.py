"""Read a scan from bytes or a path; the content decides what it is, never the name."""

from __future__ import annotations

from pathlib import Path

from vmcore.imaging.dicom import looks_like_dicom, read_dicom
from vmcore.imaging.foreign import name_foreign
from vmcore.imaging.raster import RASTER_SIGNATURES, read_raster
from vmcore.imaging.scan import Content, ReadLimits, Scan, ScanError

_HEAD_BYTES = 4096  # that tell one kind of file from another


def read_scan(
    source: bytes | Path, name: str | None = None, *, limits: ReadLimits | None = None
) -> Scan:
    """Read a DICOM, PNG, JPEG, BMP, TIFF or WebP file into a :class:`Scan`.

    Args:
        source: the file's bytes, or its path.
        name: accepted for callers that have one and never used: names may identify a person,
            and the content alone decides what the file is.
        limits: the most that a file may claim; the defaults of :class:`ReadLimits` without it.

    Raises:
        ScanError: with one sentence that says what is wrong and, where possible, what to do.
    """
    del name
    limits = limits or ReadLimits()
    data = bytes_of(source, limits)
    return read_content(data, limits)


def read_content(data: Content, limits: ReadLimits) -> Scan:
    """:func:`read_scan` of what a file holds, read or mapped.

    Raises:
        ScanError: as it does.
    """
    if not len(data):
        raise ScanError("The file is empty.")
    head = data[:_HEAD_BYTES]
    if looks_like_dicom(data):
        return read_dicom(data, limits)
    sentence = name_foreign(head)
    if sentence is not None:
        raise ScanError(sentence)
    if head.startswith(RASTER_SIGNATURES):
        return read_raster(data, limits)
    raise ScanError(
        "This is not a scan: the content is neither DICOM nor a PNG, JPEG, BMP, TIFF or WebP image."
    )


def bytes_of(source: bytes | Path, limits: ReadLimits) -> bytes:
    """The file's content.

    Raises:
        ScanError: it is larger than the limit, or cannot be opened.
    """
    too_big = f"The file is larger than the limit of {limits.file_bytes // 2**20} MB."
    if isinstance(source, Path):
        try:
            if source.stat().st_size > limits.file_bytes:
                raise ScanError(too_big)
            return source.read_bytes()
        except OSError as error:
            raise ScanError(f"The file cannot be opened ({error.strerror}).") from None
    if len(source) > limits.file_bytes:
        raise ScanError(too_big)
    return bytes(source)
