"""Whether an image has lost detail to its compression, as its transfer syntax tells (PS3.5 A.4)."""

from __future__ import annotations

from pydicom import Dataset
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSNearLossless,
)

_ALWAYS = {
    JPEGBaseline8Bit: "ISO_10918_1",
    JPEGExtended12Bit: "ISO_10918_1",
    JPEGLSNearLossless: "ISO_14495_1",
}
_EITHER = {JPEG2000: "ISO_15444_1", HTJ2K: "ISO_15444_15"}


def say_what_is_lost(header: Dataset, syntax: UID) -> None:
    """Complete a header that does not say that its image was compressed with loss (PS3.3 C.7.6.1.1.5).

    Once lossy is lossy for good, in everything that is made of the image. JPEG 2000 and HTJ2K may be
    either: there a header's "00" counts, and one that says nothing is taken for lossy.

    Args:
        header: changed where it has to be.
        syntax: the image's transfer syntax.
    """
    try:
        said = str(header.get("LossyImageCompression") or "").strip(" \0")
    except Exception:  # pydicom converts on access and fails in as many ways as there are values
        said = ""
    method = _ALWAYS.get(syntax) or (_EITHER.get(syntax) if said != "00" else None)
    if method is not None and said != "01":
        header.LossyImageCompression = "01"
        header.LossyImageCompressionMethod = method
