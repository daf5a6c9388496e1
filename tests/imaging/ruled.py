"""Phantoms with a ruler."""

from __future__ import annotations

import numpy as np

from vmcore.data.phantom import OverlaySettings, Phantom, make_phantom
from vmcore.data.phantom.rulers import Manner


def ruled(manner: Manner, number: int, shape: tuple[int, int]) -> Phantom:
    """A phantom with a ruler drawn in that manner, among the other things that scanners draw."""
    rng = np.random.default_rng([5, number])
    overlays = OverlaySettings(
        ruler=manner,
        ellipse=number % 2 == 0,
        grey=number % 3 == 0,
        result_box=number % 3 == 1,
    )
    return make_phantom(float(rng.uniform(4, 16)), rng, shape=shape, overlays=overlays)
