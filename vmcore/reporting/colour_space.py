"""How annotations are told from tissue: a frame's pixels by saturation and brightness (Fig. 2)."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from vmcore.reporting.colours import INK, LINE, QUIET, ROSE

_SHOWN = 4000


def hsv_scatter(
    image: npt.NDArray[np.uint8], mask: npt.NDArray[np.bool_], seed: int = 0
) -> go.Figure:
    """Saturation over brightness of a sample of pixels, painted-over ones apart.

    Args:
        image: uint8 (H, W, 3), RGB, before anything was painted over.
        mask: bool (H, W), what was painted over.
        seed: of the sample.
    """
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV).reshape(-1, 3)
    flat = mask.reshape(-1)
    rng = np.random.default_rng(seed)
    figure = go.Figure()
    for chosen, name, colour in ((~flat, "tissue", QUIET), (flat, "painted over", ROSE)):
        rows = np.flatnonzero(chosen)
        rows = rng.permutation(rows)[:_SHOWN]
        figure.add_trace(
            go.Scattergl(
                x=hsv[rows, 2], y=hsv[rows, 1], mode="markers", name=name,
                marker={"size": 4, "color": colour, "opacity": 0.5}, hoverinfo="skip",
            )
        )  # fmt: skip
    figure.update_xaxes(title_text="brightness (V)", range=[-4, 259], gridcolor=LINE)
    figure.update_yaxes(title_text="saturation (S)", range=[-4, 259], gridcolor=LINE)
    figure.update_layout(
        height=300,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": INK},
        legend={"orientation": "h", "y": 1.08},
    )
    return figure
