"""Which range sample values really use, where the header promises more bits than there are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_DEPTHS = (8, 10, 12)  # bits that scanners use within 16


def used_top(highest: float, bits: int) -> int:
    """White's value: of the depth that values use where it is clearly less than ``bits``.

    Entries of 16 bits that never go beyond 255 hold 8 bits; shown against 65535 they are black.
    """
    fitting = (2**depth - 1 for depth in _DEPTHS if depth < bits and highest <= 2**depth - 1)
    return next(fitting, 2**bits - 1)


def to_8_bits(values: npt.NDArray[np.generic], top: int) -> npt.NDArray[np.uint8]:
    """Scale 0..``top`` to 0..255."""
    if top == 255 and values.dtype == np.uint8:
        return values  # type: ignore[return-value]
    scaled = values.astype(np.float64) * (255.0 / top)
    return np.rint(scaled).clip(0, 255).astype(np.uint8)
