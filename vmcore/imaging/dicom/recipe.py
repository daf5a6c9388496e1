"""What is kept of a DICOM file to decode its frames one by one: places and numbers, nothing that names anybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from vmcore.imaging.dicom.coding import Coding
from vmcore.imaging.dicom.compressed import Spans
from vmcore.imaging.dicom.display import Display
from vmcore.imaging.dicom.silence import silence
from vmcore.imaging.scan import Content


@dataclass(frozen=True, slots=True, eq=False)
class DicomFrames:
    """How the frames of a file are decoded and shown; a :class:`~vmcore.imaging.loop_frames.Recipe`.

    Attributes:
        shape: (T, H, W, 3), as they are shown.
        spans: where each frame's bytes lie in the file.
        coding: how it is decoded from them.
        display: how it is shown.
    """

    shape: tuple[int, int, int, int]
    spans: tuple[Spans, ...]
    coding: Coding
    display: Display

    whole_file: ClassVar[bool] = False

    def encoded(self, content: Content, frame: int) -> bytes | memoryview:
        """What of the file is needed for a frame."""
        return self.coding.encoded(content, self.spans[frame])

    def decode(self, encoded: bytes | memoryview, frame: int) -> npt.NDArray[np.uint8]:
        """A frame as a screen shows it, uint8 (H, W, 3).

        Raises:
            Exception: whatever decoders raise on a damaged frame.
        """
        del frame
        with silence():
            values, _ = self.coding.decode(encoded)
            return self.display.show(values)

    def without_spans(self) -> DicomFrames:
        """The same for frames whose bytes are at hand."""
        return DicomFrames(self.shape, (), self.coding, self.display)
