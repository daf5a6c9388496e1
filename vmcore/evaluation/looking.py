"""Does a heatmap lie where it should? Two figures for a map and the region that matters."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Heatmap = npt.NDArray[np.floating]
Region = npt.NDArray[np.bool_]


def mass_within(heatmap: Heatmap, region: Region) -> float:
    """The share of a map's sum that lies within a region; by chance it is the region's share of area.

    Args:
        heatmap: (H, W), none below 0.
        region: (H, W).

    Returns:
        0..1, and nan for a map that is 0 everywhere.

    Raises:
        ValueError: other shapes, or a value below 0.
    """
    _check(heatmap, region)
    total = float(heatmap.sum())
    return float(heatmap[region].sum()) / total if total > 0 else float("nan")


def points_into(heatmap: Heatmap, region: Region) -> bool:
    """The pointing game (Zhang et al. 2018): does the map's highest place lie in the region?

    Of equally high places all must.

    Args:
        heatmap: (H, W), none below 0.
        region: (H, W).

    Raises:
        ValueError: other shapes, or a value below 0.
    """
    _check(heatmap, region)
    return bool(region[heatmap == heatmap.max()].all())


def _check(heatmap: Heatmap, region: Region) -> None:
    if heatmap.shape != region.shape or heatmap.ndim != 2:
        raise ValueError(f"Map and region must be alike, not {heatmap.shape} and {region.shape}.")
    if heatmap.size == 0 or float(heatmap.min()) < 0:
        raise ValueError("A heatmap has values from 0 on.")
