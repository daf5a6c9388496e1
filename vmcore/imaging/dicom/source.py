"""The header of an original file, for objects that join its study: the one place that hands out identity.

It is called when somebody exports, and what it returns is used at once and never kept.
"""

from __future__ import annotations

import contextlib
import logging

from pydicom import Dataset

from vmcore.imaging.dicom.lossy import say_what_is_lost
from vmcore.imaging.dicom.opening import looks_like_dicom, open_dataset
from vmcore.imaging.dicom.silence import silence
from vmcore.imaging.scan import ReadLimits, ScanError

_NO_STUDY = (
    "Only a DICOM file belongs to a study; for a picture without one no DICOM objects can be made."
)
_PIXELS, _OVERLAYS = 0x7FE0, range(0x6000, 0x6100)
_LONGEST = 2**16  # bytes of a value that a header's own elements never need


def read_source(data: bytes, limits: ReadLimits) -> Dataset:
    """The header of a DICOM file, names and numbers and all, without its pixels (PS3.10).

    Left out are pixels, overlays, private elements, values of more than 64 KiB, and elements that cannot
    be converted to what their type says. Lossy compression that the transfer syntax alone tells of is
    said in the header, since the syntax stays behind.

    Args:
        data: the original file.
        limits: the most that it may claim.

    Raises:
        ScanError: it is no DICOM, larger than the limit, or its header cannot be read. No value of it is
            quoted.
    """
    if len(data) > limits.file_bytes:
        raise ScanError(f"The file is larger than the limit of {limits.file_bytes // 2**20} MB.")
    if not looks_like_dicom(data):
        raise ScanError(_NO_STUDY)
    with silence():
        try:
            opened = open_dataset(data, limits, stop_before_pixels=True)
            header = Dataset()
            for tag in list(opened.keys()):
                if tag.group == _PIXELS or tag.group in _OVERLAYS or tag.is_private:
                    continue
                raw = opened.get_item(tag)
                value = raw.value if raw is not None else None
                if isinstance(value, bytes) and len(value) > _LONGEST:
                    continue
                with contextlib.suppress(
                    Exception
                ):  # pydicom fails in as many ways as there are values
                    header[tag] = opened[tag]
            say_what_is_lost(header, opened.file_meta.TransferSyntaxUID)
        except ScanError:
            raise
        except Exception as error:  # any element may fail in its own way
            logging.getLogger(__name__).info("DICOM header refused: %s", type(error).__name__)
            raise ScanError("The DICOM file is damaged: its header cannot be read.") from None
    return header
