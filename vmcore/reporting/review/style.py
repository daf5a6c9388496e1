"""One look for the results page's plots: dark on the page, light on paper."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from vmcore import RESEARCH_USE_ONLY
from vmcore.reporting.colours import INK, LINE, QUIET, ROSE, TEAL

CLEAR = "rgba(0,0,0,0)"
_PAPER_INK, _PAPER_LINE, _PAPER_QUIET = "#1b1f23", "#d5dbe0", "#5b6770"


def styled(figure: go.Figure, title: str, *, height: int = 380, square: bool = False) -> go.Figure:
    """Give a figure the page's look.

    Args:
        figure: any.
        title: stands above it.
        height: in pixels.
        square: keep one unit of x as long as one of y.
    """
    figure.update_xaxes(gridcolor=LINE, zeroline=False, linecolor=LINE)
    figure.update_yaxes(gridcolor=LINE, zeroline=False, linecolor=LINE)
    if square:
        figure.update_yaxes(scaleanchor="x", constrain="domain")
        figure.update_xaxes(constrain="domain")
    figure.update_layout(
        title={"text": title, "font": {"size": 15}, "x": 0, "xref": "paper"},
        height=height,
        margin={"l": 58, "r": 12, "t": 44, "b": 52},
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        font={"color": INK, "size": 13},
        legend={"font": {"size": 11, "color": QUIET}, "bgcolor": CLEAR},
        hoverlabel={"align": "left"},
        uirevision=title,
    )
    return figure


def on_paper(figure: go.Figure) -> go.Figure:
    """A copy with dark ink on white, for print and documents."""
    copy = go.Figure(figure)
    copy.update_xaxes(gridcolor=_PAPER_LINE, linecolor=_PAPER_INK)
    copy.update_yaxes(gridcolor=_PAPER_LINE, linecolor=_PAPER_INK)
    copy.update_layout(
        paper_bgcolor="white",
        plot_bgcolor="white",
        font={"color": _PAPER_INK},
        legend={"font": {"color": _PAPER_INK}},
        title={"font": {"color": _PAPER_INK}},
        margin={"l": 64, "r": 24, "t": 52, "b": 76},
    )
    copy.add_annotation(
        text=RESEARCH_USE_ONLY, x=1, y=0, xref="paper", yref="paper", xanchor="right",
        yanchor="top", yshift=-52, showarrow=False, font={"size": 9, "color": _PAPER_QUIET},
    )  # fmt: skip
    copy.for_each_trace(
        lambda trace: (
            trace.update(line={"color": _PAPER_INK})
            if isinstance(trace, go.Scatter) and trace.line.color == INK
            else None
        )
    )
    copy.update_traces(
        selector={"type": "heatmap"},
        colorscale=[[0, ROSE], [0.5, "#f4f6f8"], [1, TEAL]],
        textfont={"color": _PAPER_INK},
    )
    return copy


def browser_options(name: str) -> dict[str, Any]:
    """Plotly's own button, which saves the picture as SVG from the browser."""
    return {
        "displaylogo": False,
        "displayModeBar": "hover",
        "modeBarButtonsToRemove": [
            "select2d",
            "lasso2d",
            "autoScale2d",
            "pan2d",
            "zoomIn2d",
            "zoomOut2d",
        ],
        "toImageButtonOptions": {"format": "svg", "filename": f"ventriscope-{name}"},
    }
