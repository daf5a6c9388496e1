"""Read a scan from bytes or a path; the content decides what it is, never the name."""

from __future__ import annotations

from pathlib import Path

from vmcore.imaging.dicom import looks_like_dicom, read_dicom
from vmcore.imaging.raster import RASTER_SIGNATURES, read_raster
from vmcore.imaging.scan import ReadLimits, Scan, ScanError

_REFUSED = (
    ((b"PK\x03\x04", b"PK\x05\x06", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b"),
     "This is an archive, possibly with a password; unpack it and add the scans themselves."),
    ((b"GIF87a", b"GIF89a"),
     "This is a GIF, which cannot hold a scan faithfully; export DICOM or PNG instead."),
    ((b"%PDF",), "This is a PDF; export the scan itself as DICOM or PNG."),
    ((b"\x00\x00\x00\x18ftyp", b"\x00\x00\x00\x1cftyp", b"\x00\x00\x00\x20ftyp", b"\x1aE\xdf\xa3"),
     "This is a video; export the loop as multi-frame DICOM or a frame as PNG."),
)  # fmt: skip


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
    data = _bytes_of(source, limits)
    if not data:
        raise ScanError("The file is empty.")
    if looks_like_dicom(data):
        return read_dicom(data, limits)
    if any(data.startswith(signature) for signature in RASTER_SIGNATURES):
        return read_raster(data, limits)
    for signatures, sentence in _REFUSED:
        if data.startswith(signatures):
            raise ScanError(sentence)
    raise ScanError(
        "This is not a scan: the content is neither DICOM nor a PNG, JPEG, BMP, TIFF or WebP image."
    )


def _bytes_of(source: bytes | Path, limits: ReadLimits) -> bytes:
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
