"""Numbered phantoms that anyone can draw again from their name and the series' seed."""

from __future__ import annotations

import numpy as np

from vmcore.data.phantom.make import Phantom, make_phantom, random_atrial_width_mm
from vmcore.data.phantom.overlays import OverlaySettings


def series_phantom(name: str, seed: int) -> Phantom:
    """Draw a phantom of a series, with overlays on half of them.

    Args:
        name: "normal-0007" or "ventriculomegaly-0007".
        seed: the series.

    Raises:
        ValueError: a name of another form.
    """
    label, _, index = name.rpartition("-")
    if label not in {"normal", "ventriculomegaly"} or not index.isdigit():
        raise ValueError(f"{name!r} is not the name of a numbered phantom.")
    dilated = label == "ventriculomegaly"
    rng = np.random.default_rng([seed, int(index), int(dilated)])
    width = random_atrial_width_mm(rng, dilated=dilated)
    shape = (int(rng.integers(360, 520)), int(rng.integers(460, 680)))
    overlays = OverlaySettings(arrow=bool(rng.random() < 0.3)) if rng.random() < 0.5 else None
    return make_phantom(width, rng, shape=shape, overlays=overlays)
