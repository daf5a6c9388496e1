"""Whether two files hold the same image, however it came.

An image that is sent by C-STORE and fetched by WADO-RS has other file meta information each time
(PS3.10, 7.1: who wrote the file), and may have another transfer syntax. The image is its data set.
"""

from __future__ import annotations

import filecmp
from pathlib import Path

import numpy as np
import pydicom
from pydicom import Dataset
from pydicom.filewriter import correct_ambiguous_vr

from vmcore.clinic.network.identity import refuse_deflated
from vmcore.imaging.dicom.silence import silence

_PIECE_BYTES = 2**20
_PIXELS = 0x7FE00010
_PADDING = 0xFFFCFFFC
_OF_ENCODING = {
    "PhotometricInterpretation", "PlanarConfiguration", "LossyImageCompression",
    "LossyImageCompressionRatio", "LossyImageCompressionMethod", "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
}  # fmt: skip


def same_image(one: Path, other: Path) -> bool:
    """Whether two DICOM files hold the same data set; files that are none: whether their bytes agree.

    Bytes after the file meta information decide where they agree. Where they do not, for a data set can
    be written in many ways, all attributes are compared, and:

    - pixel values, where both transfer syntaxes are native, or both files have the same one;
    - no pixels where one of the two is compressed and the other is not, or in another way: then SOP
      Instance, series and study UID, patient, rows, columns, frames and all other attributes agree, which
      an archive that compresses leaves alone. What it changes then (colour space, order of planes, the note
      that something was lost) and private attributes, whose kind only one of the files may tell, may differ.
    """
    if filecmp.cmp(one, other, shallow=False):
        return True
    try:
        with silence():
            if _syntax(one) == _syntax(other) and _same_bytes(one, other):
                return True
            return _same_attributes(_read(one), _read(other))
    except Exception:  # pydicom fails in as many ways as there are files, and quotes
        return False


def _syntax(path: Path) -> str:
    return str(pydicom.filereader.read_file_meta_info(path).TransferSyntaxUID)


def _same_bytes(one: Path, other: Path) -> bool:
    """Whether all agrees that follows the file meta information (PS3.10, 7.1)."""
    with one.open("rb") as first, other.open("rb") as second:
        for stream in (first, second):
            pydicom.filereader.read_preamble(stream, force=False)
            pydicom.filereader._read_file_meta_info(stream)  # noqa: SLF001  it stops where the data set begins
        while True:
            piece = first.read(_PIECE_BYTES)
            if piece != second.read(_PIECE_BYTES):
                return False
            if not piece:
                return True


def _read(path: Path) -> Dataset:
    refuse_deflated(path)
    item = pydicom.dcmread(path)
    if item.original_encoding[0]:  # implicit: what an attribute is depends on others
        correct_ambiguous_vr(item, bool(item.original_encoding[1]))
    return item


def _same_attributes(one: Dataset, other: Dataset) -> bool:
    syntaxes = [item.file_meta.TransferSyntaxUID for item in (one, other)]
    alike = syntaxes[0] == syntaxes[1]
    headers = [_header(item, strictly=alike) for item in (one, other)]
    if headers[0] != headers[1]:
        return False
    if not alike and any(syntax.is_compressed for syntax in syntaxes):
        return (_PIXELS in one) == (_PIXELS in other)
    return np.array_equal(_values(one), _values(other))


def _header(item: Dataset, *, strictly: bool) -> Dataset:
    """All attributes but the pixels; not strictly: nor those of how they are encoded, nor private ones."""
    header = Dataset()
    for tag in item.keys():  # noqa: SIM118  a data set's own iteration converts its elements
        if tag in (_PIXELS, _PADDING) or tag.element == 0:  # 0: a group's length, retired
            continue
        if not strictly and (
            tag.is_private or pydicom.datadict.keyword_for_tag(tag) in _OF_ENCODING
        ):
            continue
        header[tag] = item[tag]
    return header


def _values(item: Dataset) -> np.ndarray:
    """The pixel data: samples as they are counted, or the compressed bytes."""
    data = item.get("PixelData") or b""
    if item.file_meta.TransferSyntaxUID.is_compressed or item.get("BitsAllocated", 8) != 16:
        return np.frombuffer(data, np.uint8)
    return np.frombuffer(data, "<u2" if item.original_encoding[1] else ">u2")
