"""ROC, precision-recall and confusion matrix, as in the paper's Fig. 5 and 6."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from vmcore.evaluation import CurveBand, OperatingPoint
from vmcore.reporting.colours import AMBER, INK, PANEL, QUIET, ROSE, TEAL
from vmcore.reporting.curves import SERIES
from vmcore.reporting.review.style import styled

_FAINT = 0.65


def roc_figure(band: CurveBand, point: OperatingPoint, title: str = "ROC") -> go.Figure:
    """Every fold's curve, mean and ±1 SD, and where the threshold stands."""
    figure = _banded(band, "AUC", "linear")
    figure.add_trace(
        go.Scatter(
            x=[0, 1], y=[0, 1], mode="lines", line={"color": QUIET, "width": 1, "dash": "dot"},
            hoverinfo="skip", showlegend=False,
        )
    )  # fmt: skip
    _mark(figure, point.false_rate, point.recall)
    figure.update_xaxes(title_text="1 − specificity", range=[-0.02, 1.02])
    figure.update_yaxes(title_text="sensitivity (recall)", range=[-0.02, 1.02])
    figure.update_layout(legend={"x": 0.99, "xanchor": "right", "y": 0.03, "yanchor": "bottom"})
    return styled(figure, title, height=440)


def pr_figure(
    band: CurveBand, point: OperatingPoint, prevalence: float, title: str = "Precision–recall"
) -> go.Figure:
    """The same for precision over recall; the dotted line is what guessing gives."""
    figure = _banded(band, "AP", "vh")  # a step up or down where a threshold is reached
    figure.add_hline(y=prevalence, line={"color": QUIET, "width": 1, "dash": "dot"})
    _mark(figure, point.recall, point.precision)
    figure.update_xaxes(title_text="recall (sensitivity)", range=[-0.02, 1.02])
    figure.update_yaxes(title_text="precision (PPV)", range=[-0.02, 1.02])
    figure.update_layout(legend={"x": 0.99, "xanchor": "right", "y": 0.03, "yanchor": "bottom"})
    return styled(figure, title, height=440)


def _banded(band: CurveBand, area: str, shape: str) -> go.Figure:
    """Curves whose lines enclose the area that is told."""
    figure = go.Figure()
    areas = [curve.area for curve in band.folds]
    for index, curve in enumerate(band.folds):
        words = f"fold {curve.fold}: {area} {curve.area:.3f}"
        legend = f"folds {min(areas):.3f} to {max(areas):.3f}" if len(areas) > 1 else words
        figure.add_trace(
            go.Scatter(
                x=curve.x, y=curve.y, mode="lines", name=legend, showlegend=index == 0,
                legendgroup="folds", opacity=_FAINT,
                line={"color": SERIES[(index + 1) % len(SERIES)], "width": 1.3, "shape": shape},
                hovertemplate=f"{words}<br>%{{x:.3f}}, %{{y:.3f}}<extra></extra>",
            )
        )  # fmt: skip
    if not band.folds:
        figure.add_annotation(
            text="Both classes are needed for a curve.", showarrow=False, font={"color": QUIET}
        )
        return figure
    upper, lower = (np.clip(band.mean + sign * band.spread, 0, 1) for sign in (1, -1))
    if len(band.folds) > 1:
        figure.add_trace(
            go.Scatter(
                x=np.r_[band.x, band.x[::-1]], y=np.r_[upper, lower[::-1]], fill="toself",
                fillcolor="rgba(86,180,189,0.18)", line={"width": 0}, name="± 1 SD", hoverinfo="skip",
            )
        )  # fmt: skip
        words = f"mean {area} {band.area:.3f} ± {band.area_spread:.3f}"
        figure.add_trace(
            go.Scatter(
                x=band.x, y=band.mean, mode="lines", name=words, line={"color": TEAL, "width": 3, "shape": shape},
                hovertemplate="%{x:.3f}, %{y:.3f}",
            )
        )  # fmt: skip
    return figure


def _mark(figure: go.Figure, x: float, y: float) -> None:
    figure.add_trace(
        go.Scatter(
            x=[x], y=[y], mode="markers", name="at the threshold",
            marker={"size": 13, "symbol": "diamond", "color": AMBER, "line": {"color": INK, "width": 1}},
            hovertemplate="at the threshold, mean of folds: %{x:.3f}, %{y:.3f}<extra></extra>",
        )
    )  # fmt: skip


def confusion_figure(point: OperatingPoint, folds: int) -> go.Figure:
    """Counts summed over folds, and their share of each true class, as in Fig. 6."""
    counts = np.array([[point.tn, point.fp], [point.fn, point.tp]])
    of_row = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, of_row, out=np.zeros((2, 2)), where=of_row > 0)
    words = ["normal", "ventriculomegaly"]
    right = np.array([[1, -1], [-1, 1]]) * share
    figure = go.Figure(
        go.Heatmap(
            z=right, x=words, y=words, zmin=-1, zmax=1, showscale=False, xgap=3, ygap=3,
            colorscale=[[0, ROSE], [0.5, PANEL], [1, TEAL]],
            text=[
                [f"<b>{count:,}</b><br>{part:.1%}" for count, part in zip(*row, strict=True)]
                for row in zip(counts, share, strict=True)
            ],
            texttemplate="%{text}", textfont={"size": 17, "color": "#ffffff"},
            hovertemplate="truly %{y}, called %{x}: %{text}<extra></extra>",
        )
    )  # fmt: skip
    called = f"called ({folds} folds summed)" if folds > 1 else "called"
    short = {"tickvals": words, "ticktext": ["normal", "VM"], "showgrid": False}
    figure.update_xaxes(title={"text": called, "font": {"size": 12}}, side="bottom", **short)
    figure.update_yaxes(title_text="truly", autorange="reversed", tickangle=-90, **short)
    return styled(figure, "Confusion", height=440)
