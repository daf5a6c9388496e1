"""The colours of pages, plots and pictures; quiet, because scans are read in the dark."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

BACKGROUND = "#0c1116"
PANEL = "#141b22"
LINE = "#2a3641"
INK = "#d9e2e8"
QUIET = "#8fa0ad"
TEAL = "#56b4bd"
AMBER = "#e0a458"
ROSE = "#e07a6b"
CYAN = "#7fd1e0"

# value, red, green, blue, cover: nothing where the model did not look, warm where it did
_STOPS = np.array(
    [
        (0.00, 40, 20, 60, 0.0),
        (0.25, 110, 30, 90, 0.25),
        (0.50, 205, 60, 70, 0.55),
        (0.75, 245, 140, 50, 0.8),
        (1.00, 255, 225, 110, 1.0),
    ]
)


def ramp(
    values: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Colours (..., 3) in 0..255 and cover (...) in 0..1 of heatmap values in [0, 1]."""
    parts = [np.interp(values, _STOPS[:, 0], _STOPS[:, channel]) for channel in range(1, 5)]
    return np.stack(parts[:3], axis=-1).astype(np.float32), parts[3].astype(np.float32)


def plotly_ramp() -> list[list[object]]:
    """The same ramp as a plotly colour scale with cover as alpha."""
    return [
        [float(at), f"rgba({red:.0f},{green:.0f},{blue:.0f},{cover:.2f})"]
        for at, red, green, blue, cover in _STOPS
    ]
