"""Archives and pictures made in memory, for tests of whatever takes them in."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

import numpy as np
from PIL import Image


def png(seed: int = 0) -> bytes:
    """A small picture of noise."""
    stream = io.BytesIO()
    grey = np.random.default_rng(seed).integers(0, 255, (64, 80), np.uint8)
    Image.fromarray(grey).save(stream, "PNG")
    return stream.getvalue()


def packed(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of these files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()
