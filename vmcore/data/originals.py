"""A study's original file, read and cleaned as it is prepared."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vmcore.data.containment import stays_inside
from vmcore.imaging import (
    CleanFrame,
    CleaningSettings,
    ReadLimits,
    Scan,
    ScanError,
    clean_frame,
)
from vmcore.imaging.sandbox import SandboxedReader

_PATIENCE_S = 300.0


@dataclass(frozen=True, slots=True)
class Original:
    """An original file.

    Attributes:
        digest: SHA-256 of the file that was read.
        scan: as it was read.
        frame: which of its frames stands for it: the middle one.
        clean: that frame, cleaned.
    """

    digest: str
    scan: Scan
    frame: int
    clean: CleanFrame

    @property
    def picture(self) -> npt.NDArray[np.uint8]:
        """The cleaned frame, uint8 (H, W, 3)."""
        return self.clean.image


def read_original(path: str, root: Path, settings: CleaningSettings) -> Original:
    """Read and clean the file of a manifest's ``path``.

    Args:
        path: relative to ``root``.
        root: the study's folder of originals, out of which no file may lead.
        settings: how frames are cleaned.

    Raises:
        ScanError: it cannot be read as a scan.
    """
    data = _content(root / path, root)
    scan = _reader().read(data, ReadLimits())
    middle = len(scan.frames) // 2
    clean = clean_frame(scan.frames[middle], region=scan.region, settings=settings)
    return Original(hashlib.sha256(data).hexdigest(), scan, middle, clean)


@lru_cache(maxsize=1)
def _reader() -> SandboxedReader:
    """Patient, since it works in the background of a busy machine, where nobody waits for one file."""
    return SandboxedReader(workers=1, patience_s=_PATIENCE_S)


def _content(file: Path, root: Path) -> bytes:
    """The file's bytes, read once, so that the digest is that of what was decoded."""
    if not stays_inside(file, root):  # it may have become a link since it was listed
        raise ScanError("The file is a link that leads out of the study's folder.")
    limit = ReadLimits().file_bytes
    try:
        with file.open("rb") as stream:
            return stream.read(limit + 1)  # a byte too many is enough to be refused
    except OSError as error:
        raise ScanError(f"The file cannot be opened ({error.strerror}).") from None
