"""Tell from a file's first bytes whether it may be a scan, before any of it is decoded."""

from __future__ import annotations

from vmcore.imaging.dicom import looks_like_dicom
from vmcore.imaging.raster import RASTER_SIGNATURES

HEAD_BYTES = 132  # a DICOM file's preamble and mark, PS3.10 section 7.1


def looks_like_scan(head: bytes) -> bool:
    """Whether a file may be a scan: DICOM, PNG, JPEG, BMP, TIFF or WebP by its first bytes.

    Args:
        head: the first ``HEAD_BYTES`` bytes, or all where there are fewer.
    """
    if head.startswith(b"RIFF"):  # also the container of AVI and WAV
        return head[8:12] == b"WEBP"
    return looks_like_dicom(head) or head.startswith(RASTER_SIGNATURES)
