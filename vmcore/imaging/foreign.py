"""Name files that are no scans: archives, videos, documents, a phone's photographs."""

from __future__ import annotations

VIDEO = "This is a video; export the loop as multi-frame DICOM or a frame as PNG."
_PHONE = (
    "This is a phone's photograph ({}), which is not read here; export the scan itself as DICOM or "
    "PNG, or save the photograph as JPEG."
)
_SENTENCES = (
    ((b"PK\x03\x04", b"PK\x05\x06", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b"),
     "This is an archive, possibly with a password; unpack it and add the scans themselves."),
    ((b"GIF87a", b"GIF89a"),
     "This is a GIF, which cannot hold a scan faithfully; export DICOM or PNG instead."),
    ((b"%PDF",), "This is a PDF; export the scan itself as DICOM or PNG."),
    # Matroska, MPEG program stream, MPEG-2 sequence, Windows Media
    ((b"\x1aE\xdf\xa3", b"\0\0\x01\xba", b"\0\0\x01\xb3", b"0&\xb2u\x8ef\xcf\x11"), VIDEO),
    ((b"\0\0\0\x0cjP  ", b"\xffO\xffQ", b"\0\0\0\x0cJXL ", b"\xff\x0a"),
     "This is a JPEG 2000 or JPEG XL picture outside of DICOM; save it as PNG."),
)  # fmt: skip
_HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_AVIF = {b"avif", b"avis"}
_QUICKTIME = {b"moov", b"mdat", b"wide", b"free", b"skip"}


def name_foreign(data: bytes) -> str | None:
    """A sentence that says what a file is and what to do, or None where its kind is not known."""
    for signatures, sentence in _SENTENCES:
        if data.startswith(signatures):
            return sentence
    if data.startswith(b"RIFF") and data[8:12] == b"AVI ":
        return VIDEO
    if data[4:8] == b"ftyp":
        return _name_by_brands(data)
    return VIDEO if data[4:8] in _QUICKTIME else None


def _name_by_brands(data: bytes) -> str:
    """ISO 14496-12's container holds videos and pictures; its brands say which (clause 4.3)."""
    end = min(int.from_bytes(data[:4], "big"), 512)
    brands = {data[8:12], *(data[place : place + 4] for place in range(16, end, 4))}
    if brands & _AVIF:
        return _PHONE.format("AVIF")
    return _PHONE.format("HEIC") if brands & _HEIC else VIDEO
