"""How one frame of a file is stored, in numbers that name nobody, so that it can be decoded alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID

from vmcore.imaging.dicom.compressed import Spans, compressed_frame
from vmcore.imaging.dicom.values import whole_number
from vmcore.imaging.scan import Content

Values = npt.NDArray[np.generic]


@dataclass(frozen=True, slots=True)
class Coding:
    """What a decoder has to know of a frame (PS3.3 C.7.6.3), beside its bytes.

    Attributes:
        syntax: the transfer syntax.
        photometric: of the stored values, one of DICOM's terms.
        numbers: rows, columns, samples and bits, under pydicom's names for them.
        frame_bytes: of a frame without compression; 0 with.
        unused_bits: below the value in each sample of such a frame.
    """

    syntax: str
    photometric: str
    numbers: tuple[tuple[str, int], ...]
    frame_bytes: int = 0
    unused_bits: int = 0

    @classmethod
    def of(cls, dataset: Dataset, frame_bytes: int = 0) -> Coding:
        """What a header says; its photometric interpretation was settled before.

        Raises:
            Exception: a value is missing or no number.
        """
        numbers = {
            "rows": dataset.Rows,
            "columns": dataset.Columns,
            "samples_per_pixel": dataset.SamplesPerPixel,
            "bits_allocated": dataset.BitsAllocated,
            "bits_stored": dataset.BitsStored,
            "pixel_representation": dataset.PixelRepresentation,
        }
        if numbers["samples_per_pixel"] > 1:
            numbers["planar_configuration"] = dataset.PlanarConfiguration
        unused = _unused_bits(dataset) if frame_bytes else 0
        numbers["bits_stored"] = int(numbers["bits_stored"]) + unused
        told = tuple((name, int(value)) for name, value in numbers.items())
        syntax = str(dataset.file_meta.TransferSyntaxUID)
        return cls(syntax, str(dataset.PhotometricInterpretation), told, frame_bytes, unused)

    def encoded(self, content: Content, spans: Spans) -> bytes | memoryview:
        """A frame's own bytes; the last one that is missing is filled in."""
        if not self.frame_bytes:
            return compressed_frame(content, spans)
        ((start, end),) = spans
        if end - start == self.frame_bytes:
            return memoryview(content)[start:end]
        frame = content[start:end]
        return frame.ljust(self.frame_bytes, frame[-1:])

    def decode(self, encoded: bytes | memoryview) -> tuple[Values, str]:
        """A frame's stored values, (H, W) or (H, W, 3), and what they are once they are decoded.

        Raises:
            Exception: whatever pydicom and its decoders raise on a damaged frame.
        """
        source = encoded if self.frame_bytes else encapsulate([bytes(encoded)], has_bot=False)
        decoder = get_decoder(UID(self.syntax))
        told: dict[str, Any] = dict(self.numbers)
        told |= {"number_of_frames": 1, "pixel_keyword": "PixelData"}
        told["photometric_interpretation"] = self.photometric
        values, said = decoder.as_array(source, raw=True, index=0, **told)
        if self.unused_bits:
            values = values >> self.unused_bits
        return values, str(said["photometric_interpretation"])


def _unused_bits(dataset: Dataset) -> int:
    """How far values lie above the lowest bit, as they did before the standard forbade it (PS3.5 8.1.1)."""
    high, stored = whole_number(dataset, "HighBit"), int(dataset.BitsStored)
    allocated = int(dataset.BitsAllocated)
    return high + 1 - stored if high is not None and stored <= high < allocated else 0
