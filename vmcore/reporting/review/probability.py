"""Whether probabilities hold, and what they are worth where the condition is rare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from vmcore.evaluation import CaseSet, PredictiveCurve, ReliabilityBin, net_benefit
from vmcore.reporting.colours import AMBER, INK, QUIET, ROSE, TEAL
from vmcore.reporting.review.style import styled

_COLOURS = (TEAL, AMBER, ROSE)
PREVALENCES = np.geomspace(0.0005, 0.6, 80)
"""Shares of ventriculomegaly at which predictive values are drawn."""


def reliability_figure(series: Mapping[str, Sequence[ReliabilityBin]]) -> go.Figure:
    """What was observed over what was said, with Wilson's 95 %; on the diagonal it holds."""
    figure = go.Figure(
        go.Scatter(
            x=[0, 1], y=[0, 1], mode="lines", line={"color": QUIET, "width": 1, "dash": "dot"},
            hoverinfo="skip", showlegend=False,
        )
    )  # fmt: skip
    for colour, (name, bins) in zip(_COLOURS, series.items(), strict=False):
        observed = np.array([part.observed for part in bins])
        figure.add_trace(
            go.Scatter(
                x=[part.predicted for part in bins], y=observed, mode="lines+markers", name=name,
                line={"color": colour, "width": 2}, marker={"size": 8},
                error_y={
                    "type": "data", "symmetric": False, "thickness": 1, "color": colour,
                    "array": np.array([part.high for part in bins]) - observed,
                    "arrayminus": observed - np.array([part.low for part in bins]),
                },
                customdata=[part.count for part in bins],
                hovertemplate="said %{x:.2f}, was so %{y:.2f}, %{customdata} cases",
            )
        )  # fmt: skip
    figure.update_xaxes(title_text="probability said", range=[-0.02, 1.02])
    figure.update_yaxes(title_text="share with ventriculomegaly", range=[-0.02, 1.02])
    figure.update_layout(legend={"x": 0.01, "y": 0.99})
    return styled(figure, "Reliability", height=420)


def decision_figure(cases: CaseSet, prevalence: float | None) -> go.Figure:
    """Net benefit over the threshold, against acting on everybody and on nobody, in true positives a person.

    Without cases of both classes the model has no line.
    """
    thresholds = np.linspace(0.005, 0.95, 190)
    model, everybody = net_benefit(cases.labels, cases.probability, thresholds, prevalence)
    share = float(cases.labels.mean()) if prevalence is None else prevalence
    figure = go.Figure()
    for name, line, colour, dash in (
        ("the model", model, TEAL, "solid"),
        ("everybody is examined further", everybody, AMBER, "dash"),
        ("nobody is", np.zeros_like(thresholds), QUIET, "dot"),
    ):
        figure.add_trace(
            go.Scatter(
                x=thresholds, y=line, mode="lines", name=name,
                line={"color": colour, "width": 2.5 if dash == "solid" else 1.5, "dash": dash},
                hovertemplate="%{x:.3f}: %{y:.4f}",
            )
        )  # fmt: skip
    figure.update_xaxes(title_text="threshold probability", range=[0, 0.95])
    top = max(share, float(np.nan_to_num(model).max()), 1e-4)
    figure.update_yaxes(title_text="net benefit", range=[-0.35 * top, 1.1 * top])
    figure.update_layout(legend={"x": 0.99, "xanchor": "right", "y": 0.99})
    return styled(figure, f"Decision curve, prevalence {100 * share:.3g}%", height=420)


def prevalence_figure(curve: PredictiveCurve, here: PredictiveCurve) -> go.Figure:
    """PPV and NPV over the prevalence with their 95 % intervals, the chosen prevalence marked.

    Args:
        curve: at :data:`PREVALENCES`.
        here: at the chosen one.
    """
    figure = go.Figure()
    for name, values, (value,), colour, band in (
        ("PPV", curve.ppv, here.ppv, TEAL, "rgba(86,180,189,0.18)"),
        ("NPV", curve.npv, here.npv, AMBER, "rgba(224,164,88,0.18)"),
    ):
        low, high = ([getattr(one, end) for one in values] for end in ("low", "high"))
        figure.add_trace(
            go.Scatter(
                x=np.r_[curve.prevalence, curve.prevalence[::-1]], y=np.r_[high, low[::-1]],
                fill="toself", fillcolor=band, line={"width": 0}, name=f"{name}, 95 %",
                hoverinfo="skip", showlegend=False,
            )
        )  # fmt: skip
        figure.add_trace(
            go.Scatter(
                x=curve.prevalence, y=[one.estimate for one in values], mode="lines", name=name,
                line={"color": colour, "width": 2.5}, hovertemplate="at %{x:.2%}: %{y:.1%}",
            )
        )  # fmt: skip
        figure.add_trace(
            go.Scatter(
                x=here.prevalence, y=[value.estimate], mode="markers+text", showlegend=False,
                marker={"size": 11, "symbol": "diamond", "color": colour, "line": {"color": INK, "width": 1}},
                text=[f"{name} {value.estimate:.1%}"], textposition="bottom right", hoverinfo="skip",
            )
        )  # fmt: skip
    figure.update_xaxes(
        title_text="prevalence", type="log", tickvals=[0.001, 0.01, 0.1, 0.5], tickangle=0,
        tickformat=".1%", range=[np.log10(0.0005), np.log10(0.6)],
    )  # fmt: skip
    figure.update_yaxes(title_text="predictive value", range=[-0.02, 1.05], tickformat=".0%")
    figure.update_layout(legend={"x": 0.99, "xanchor": "right", "y": 0.5})
    return styled(figure, "Predictive values (bands: 95 %)", height=420)
