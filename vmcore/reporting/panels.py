"""The classify page's figures: scan, cleaned scan and heatmap with linked zoom; the folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from vmcore.anatomy import HandCalliper
from vmcore.inference import HEATMAP_NAMES, Analysis, Prediction
from vmcore.reporting.callipers import anatomy_traces, hand_traces
from vmcore.reporting.colours import AMBER, BACKGROUND, INK, LINE, QUIET, ROSE, TEAL, plotly_ramp
from vmcore.reporting.pictures import png_data_uri

_HEATMAP_SIDE = 160  # values on the longer side: the map comes from 14 x 14 patches
_OPACITIES = tuple(range(0, 101, 10))
_OPACITY = 70
_PANEL_PX = 345  # width of one of three panels in a browser window of usual size
_ALONE_PX = 470  # height of a panel that has the whole width

Panel = Literal["uploaded", "cleaned", "heatmap"]
PANELS: Mapping[Panel, str] = {
    "uploaded": "As uploaded",
    "cleaned": "Cleaned",
    "heatmap": "Where the model looked",
}


def picture_panels(
    analysis: Analysis, shown: Sequence[Panel] = tuple(PANELS), hand: Sequence[HandCalliper] = ()
) -> go.Figure:
    """Original, cleaned and heatmap side by side in one frame of pixel coordinates.

    Head, midline and calliper are drawn over the cleaned picture and the heatmap. Zooming one panel
    zooms all; an opacity slider below acts in the browser at once.

    Args:
        analysis: what is shown.
        shown: the panels, from left to right; one alone takes the whole width.
        hand: callipers that a person set.
    """
    frame = analysis.scan.frames[analysis.frame]
    row, column = analysis.clean.offset
    figure = make_subplots(
        cols=len(shown),
        shared_xaxes="all",
        shared_yaxes="all",
        horizontal_spacing=0.012,
        subplot_titles=[PANELS[panel] for panel in shown] if len(shown) > 1 else None,
    )
    for place, panel in enumerate(shown, start=1):
        if panel == "uploaded":
            picture = go.Image(source=png_data_uri(frame), hoverinfo="skip")
        else:
            cleaned = png_data_uri(analysis.clean.image)
            picture = go.Image(source=cleaned, x0=column, y0=row, hoverinfo="skip")
        figure.add_trace(picture, 1, place)
    for place, panel in enumerate(shown, start=1):
        if panel == "uploaded":
            continue
        found = anatomy_traces(analysis.anatomy, row, column) if analysis.anatomy else []
        for line in (*found, *hand_traces(hand, row, column)):
            figure.add_trace(line, 1, place)
    heatmap = analysis.prediction.heatmap if "heatmap" in shown else None
    if heatmap is not None:
        place = list(shown).index("heatmap") + 1
        name = HEATMAP_NAMES[analysis.prediction.heatmap_method]
        figure.add_trace(_heat(heatmap, name, row, column), 1, place)
        figure.update_layout(sliders=[_opacity_slider(len(shown), trace=len(figure.data) - 1)])
    figure.update_xaxes(
        visible=False, range=[-0.5, frame.shape[1] - 0.5], constrain="domain", matches="x"
    )
    figure.update_yaxes(
        visible=False, range=[frame.shape[0] - 0.5, -0.5], scaleanchor="x", constrain="domain",
        matches="y",
    )  # fmt: skip
    figure.update_annotations(font={"size": 14, "color": QUIET}, xanchor="left")
    for title, axis in zip(figure.layout.annotations, figure.select_xaxes(), strict=False):
        title.x = axis.domain[0]  # the toolbar covers the other end
    above, below = 24 if len(shown) > 1 else 4, 4 if heatmap is None else 52
    figure.update_layout(
        height=_height(frame.shape, len(shown)) + above + below,
        margin={"l": 0, "r": 0, "t": above, "b": below},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor=BACKGROUND,
        font={"color": INK},
        dragmode="zoom",
        showlegend=False,
        uirevision="panels",
    )
    return figure


def _height(shape: tuple[int, ...], panels: int) -> int:
    if panels == 1:
        return _ALONE_PX
    width = 3 * _PANEL_PX / panels
    return round(min(max(width * shape[0] / shape[1], width / 2), 1.1 * _PANEL_PX))


def _heat(heatmap: npt.NDArray[np.float32], name: str, row: int, column: int) -> go.Heatmap:
    height, width = heatmap.shape
    step = max(max(height, width) / _HEATMAP_SIDE, 1.0)
    size = (max(round(width / step), 1), max(round(height / step), 1))
    small = cv2.resize(heatmap, size, interpolation=cv2.INTER_AREA)
    dx, dy = width / size[0], height / size[1]
    return go.Heatmap(
        z=np.rint(small * 100).astype(np.uint8),
        x0=column + (dx - 1) / 2,
        y0=row + (dy - 1) / 2,
        dx=dx,
        dy=dy,
        zmin=0,
        zmax=100,
        colorscale=plotly_ramp(),
        showscale=False,
        zsmooth="best",
        opacity=_OPACITY / 100,
        hovertemplate=f"{name} %{{z}} %<extra></extra>",
    )


def _opacity_slider(panels: int, trace: int) -> dict[str, object]:
    """Below the last panel, whose heatmap is the figure's trace of that number."""
    width = min(1 / panels - 0.02, 0.31)
    steps = [
        {
            "method": "restyle",
            "label": f"{value} %",
            "args": [{"opacity": value / 100}, [trace]],
        }
        for value in _OPACITIES
    ]
    return {
        "active": _OPACITIES.index(_OPACITY),
        "steps": steps,
        "x": 1 - width,
        "len": width,
        "y": 0,
        "pad": {"t": 4, "b": 0},
        "currentvalue": {"prefix": "heatmap opacity ", "font": {"size": 13, "color": QUIET}},
        "font": {"size": 1, "color": "rgba(0,0,0,0)"},
        "ticklen": 0,
        "minorticklen": 0,
        "tickwidth": 0,
        "bgcolor": LINE,
        "activebgcolor": TEAL,
        "bordercolor": LINE,
    }


def fold_strip(prediction: Prediction, height: int = 92) -> go.Figure:
    """Each fold's probability, their mean and the threshold on one line from 0 to 100 %."""
    folds = prediction.fold_probabilities * 100
    over = prediction.probability >= prediction.threshold
    figure = go.Figure()
    figure.add_shape(
        type="line", x0=0, x1=100, y0=0, y1=0, layer="below", line={"color": LINE, "width": 6}
    )
    figure.add_vline(x=100 * prediction.threshold, line={"color": AMBER, "width": 2, "dash": "dot"})
    figure.add_trace(
        go.Scatter(
            x=folds,
            y=np.zeros(len(folds)),
            mode="markers",
            marker={"size": 11, "color": "rgba(217,226,232,0.55)", "line": {"width": 0}},
            text=[f"fold {index + 1}" for index in range(len(folds))],
            hovertemplate="%{text}: %{x:.0f} %<extra></extra>",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=[100 * prediction.probability],
            y=[0],
            mode="markers",
            marker={"size": 20, "symbol": "diamond", "color": ROSE if over else TEAL},
            hovertemplate="mean: %{x:.0f} %<extra></extra>",
        )
    )
    figure.add_annotation(
        x=100 * prediction.threshold, y=1, yref="paper", text="threshold", showarrow=False,
        font={"size": 12, "color": AMBER}, yanchor="bottom",
    )  # fmt: skip
    figure.update_xaxes(
        range=[-2, 102], ticksuffix=" %", tickvals=[0, 25, 50, 75, 100], showgrid=False,
        zeroline=False, fixedrange=True, tickfont={"size": 12, "color": QUIET},
    )  # fmt: skip
    figure.update_yaxes(visible=False, range=[-1, 1], fixedrange=True)
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 14, "t": 20, "b": 24},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": INK},
        showlegend=False,
    )
    return figure
