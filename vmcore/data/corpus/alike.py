"""Find images that are the same or nearly so among hundreds of thousands: a hash and an index for it."""

from __future__ import annotations

from array import array
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

_SIDE, _KEPT = 32, 8
_BITS = 64
_SHUFFLE = np.random.default_rng(64).permutation(
    _BITS
)  # each part of a hash tells of the whole image


def perceptual_hash(image: npt.NDArray[np.uint8]) -> int:
    """64 bits that say how an image looks at large: the signs of its lowest frequencies.

    The image is shrunk to 32 x 32; of its discrete cosine transform the lowest 8 x 8 coefficients are
    told apart by their median (pHash: Zauner, Implementation and benchmarking of perceptual image hash
    functions, 2010). Brightness and compression hardly change it.

    Args:
        image: uint8 (H, W), grey.

    Returns:
        0 <= hash < 2**64.
    """
    small = cv2.resize(image, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    lowest = cv2.dct(small)[:_KEPT, :_KEPT].ravel()
    bits = lowest > np.median(lowest[1:])  # the first is the mean brightness
    return int.from_bytes(np.packbits(bits[_SHUFFLE]).tobytes(), "big")


class AlikeIndex:
    """Hashes in which one that differs in few bits is found without comparing all of them.

    A hash is cut into one part more than bits may differ: then at least one part is equal, and only hashes
    with an equal part are compared (multi-index hashing: Norouzi, Punjani, Fleet 2012). Takes 34 MB
    at most, and 8 bytes and 4 for each part an image.

    Args:
        bits: by how many bits hashes that count as alike may differ, 0..4; -1: none is alike.
    """

    def __init__(self, bits: int) -> None:
        self._most = bits
        cuts = np.linspace(0, _BITS, bits + 2).astype(int).tolist() if bits >= 0 else []
        widths = [end - start for start, end in pairwise(cuts)]
        self._parts = [
            (start, (1 << min(width, 22)) - 1) for start, width in zip(cuts, widths, strict=False)
        ]
        empty = [array("i", [-1]) * (mask + 1) for _, mask in self._parts]
        self._newest = empty  # by a part's value: the hash that was added last with it
        self._before = [
            array("i") for _ in self._parts
        ]  # by hash: the one before with the same part
        self._hashes = array("Q")

    def __len__(self) -> int:
        return len(self._hashes)

    def add(self, value: int) -> None:
        """Add a hash."""
        number = len(self._hashes)
        self._hashes.append(value)
        for (shift, mask), newest, before in zip(
            self._parts, self._newest, self._before, strict=True
        ):
            part = (value >> shift) & mask
            before.append(newest[part])
            newest[part] = number

    def holds(self, value: int) -> bool:
        """Whether a hash is there that differs in few enough bits."""
        hashes, most = self._hashes, self._most
        for (shift, mask), newest, before in zip(
            self._parts, self._newest, self._before, strict=True
        ):
            number = newest[(value >> shift) & mask]
            while number >= 0:
                if (hashes[number] ^ value).bit_count() <= most:
                    return True
                number = before[number]
        return False
