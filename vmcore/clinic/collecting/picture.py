"""A cleaned picture as a PNG file that cleaning gives back as it was.

Where a file names no region, cleaning cuts a strip off its top. A PNG names none, so a black strip of
exactly that height is put over the picture: whoever prepares the file gets the whole cleaned picture.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from vmcore.imaging import CleaningSettings


def picture_png(image: npt.NDArray[np.uint8]) -> bytes:
    """A cleaned picture as PNG, lossless, below a black strip that preparing cuts off; no metadata.

    Args:
        image: uint8 (H, W, 3), RGB.
    """
    padded = np.pad(image, ((_strip_over(len(image)), 0), (0, 0), (0, 0)))
    done, encoded = cv2.imencode(".png", cv2.cvtColor(padded, cv2.COLOR_RGB2BGR))
    if not done:
        raise ValueError("The picture cannot be encoded.")
    return encoded.tobytes()


def picture_in(png: bytes) -> npt.NDArray[np.uint8]:
    """The cleaned picture of such a file, uint8 (H, W, 3), RGB, bit for bit."""
    read = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    if read is None:
        raise ValueError("The picture cannot be read.")
    strip = round(CleaningSettings().top_strip * len(read))
    return np.asarray(cv2.cvtColor(read[strip:], cv2.COLOR_BGR2RGB), np.uint8)


def _strip_over(height: int) -> int:
    """Rows that a strip must have to be what is cut off it and a picture of this height together."""
    share, strip = CleaningSettings().top_strip, 0
    while round(share * (height + strip)) > strip:
        strip += 1
    return strip
