"""The monitoring view's plots."""

from __future__ import annotations

from html import escape

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from vmcore.clinic.audit.monitoring import OUTCOMES
from vmcore.reporting.colours import AMBER, INK, LINE, QUIET, ROSE, TEAL
from vmcore.reporting.review.style import styled

_COLOURS = dict(zip(OUTCOMES, (TEAL, AMBER, ROSE, LINE), strict=True))
_WEEK = "week of"
_BAR_MS = 5 * 86_400_000  # five of a week's days, as plotly counts time
_FEW_WEEKS = 6


def outcome_figure(weeks: pd.DataFrame) -> go.Figure:
    """What people decided, as bars a week, and how many answers had no verdict.

    Args:
        weeks: of :func:`vmcore.clinic.outcomes_by_week`.
    """
    figure = _bars(weeks, _dates(weeks), along="x")
    figure.add_trace(
        go.Scatter(
            x=_dates(weeks), y=weeks["withheld"], name="of these without a verdict", mode="markers",
            marker={"symbol": "diamond", "size": 10, "color": INK},
            hovertemplate="%{y} without a verdict<extra></extra>",
        )
    )  # fmt: skip
    figure.update_traces(width=_BAR_MS, selector={"type": "bar"})
    _by_week(figure, weeks)
    figure.update_yaxes(title_text="answers", rangemode="tozero")
    return _legend_above(styled(figure, "What people decided, by week", height=360))


def device_figure(devices: pd.DataFrame, most: int = 12) -> go.Figure:
    """The same for the devices that gave most pictures, as bars from the left.

    Args:
        devices: of :func:`vmcore.clinic.outcomes_by_device`.
        most: devices shown.
    """
    shown = devices.head(most).iloc[::-1]
    figure = _bars(shown, [_short(name) for name in shown["device"]], along="y")
    figure.update_xaxes(title_text="answers", rangemode="tozero")
    figure = styled(figure, "What people decided, by device", height=200 + 34 * max(len(shown), 3))
    figure.update_yaxes(automargin=True, type="category")
    return _legend_above(figure)


def drift_figure(weeks: pd.DataFrame) -> go.Figure:
    """The share of pictures that the model knows, and its probabilities, by week.

    Args:
        weeks: of :func:`vmcore.clinic.weekly_drift`.
    """
    figure = make_subplots(
        1, 2, horizontal_spacing=0.09,
        subplot_titles=["Pictures in domain (95% interval)", "Probability (median, quartiles)"],
    )  # fmt: skip
    for place, (name, colour) in enumerate((("in_domain", TEAL), ("probability", AMBER)), start=1):
        above = 100 * (weeks[f"{name}_high"] - weeks[name])
        below = 100 * (weeks[name] - weeks[f"{name}_low"])
        figure.add_trace(
            go.Scatter(
                x=_dates(weeks), y=100 * weeks[name], mode="lines+markers", line={"color": colour},
                error_y={"array": above, "arrayminus": below, "color": QUIET, "thickness": 1.2},
                customdata=weeks["answers"], showlegend=False,
                hovertemplate="%{y:.0f} % of %{customdata} answers<extra></extra>"
                if place == 1 else "%{y:.0f} %, %{customdata} answers<extra></extra>",
            ),
            1, place,
        )  # fmt: skip
    _by_week(figure, weeks)
    figure.update_yaxes(range=[-3, 103], ticksuffix=" %")
    figure.update_annotations(font={"size": 13, "color": QUIET})
    styled(figure, "Drift", height=320)
    figure.update_layout(title=None)
    return figure


def _bars(table: pd.DataFrame, places: list[str], *, along: str) -> go.Figure:
    figure = go.Figure()
    for outcome, colour in _COLOURS.items():
        counts = table[outcome].tolist()
        sides = {"x": places, "y": counts} if along == "x" else {"x": counts, "y": places}
        value = "%{y}" if along == "x" else "%{x}"
        figure.add_trace(
            go.Bar(
                **sides, name=outcome, marker={"color": colour, "line": {"width": 0}},
                orientation="v" if along == "x" else "h",
                hovertemplate=f"{value} {outcome}<extra></extra>",
            )
        )  # fmt: skip
    figure.update_layout(barmode="stack", bargap=0.35)
    counted = figure.update_yaxes if along == "x" else figure.update_xaxes
    most = int(table[list(OUTCOMES)].sum(axis=1).max()) if len(table) else 0
    counted(tickformat="d", tick0=0, **({"dtick": 1} if most < 8 else {}))
    return figure


def _legend_above(figure: go.Figure) -> go.Figure:
    """The names between title and plot, in the order of the bars."""
    legend = {"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0, "traceorder": "normal"}
    title = {"y": 0.98, "yanchor": "top"}
    figure.update_layout(legend=legend, margin={"t": 100}, title=title)
    return figure


def _by_week(figure: go.Figure, weeks: pd.DataFrame) -> None:
    """An axis of time, on which a week without answers stays empty; each week named while they are few."""
    figure.update_xaxes(title_text=_WEEK, type="date", tickformat="%d %b<br>%Y")
    if len(weeks) <= _FEW_WEEKS:
        figure.update_xaxes(tickvals=_dates(weeks))


def _dates(weeks: pd.DataFrame) -> list[str]:
    return [week.strftime("%Y-%m-%d") for week in weeks["week"]]


def _short(name: str) -> str:
    """A device's name, as text that plotly does not read as HTML."""
    return escape(name if len(name) <= 40 else f"{name[:39]}…")
