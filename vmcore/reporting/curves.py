"""Learning curves: one run fold by fold, or several runs side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from vmcore.reporting.colours import AMBER, INK, LINE, QUIET, ROSE, TEAL
from vmcore.training import EpochResult, PretrainEpoch

SERIES = (TEAL, AMBER, ROSE, "#8fa8ff", "#9bd67f", "#d79be8", "#e0d27a", "#7fb3c8")
_PANELS: tuple[tuple[str, Callable[[EpochResult], float]], ...] = (
    ("Validation loss (training dotted)", lambda result: result.validation_loss),
    ("Validation accuracy", lambda result: result.validation["accuracy"]),
    ("Validation F1", lambda result: result.validation["f1"]),
    ("Learning rate", lambda result: result.learning_rate),
)


def fold_curves(histories: Sequence[Sequence[EpochResult]], planned: int) -> go.Figure:
    """Loss (training dotted), accuracy, F1 and learning rate of each fold.

    Args:
        histories: epochs done, a sequence a fold.
        planned: epochs that the plan asks for; the axis' end.
    """
    figure = _empty(planned)
    for number, history in enumerate(histories, start=1):
        colour = SERIES[(number - 1) % len(SERIES)]
        epochs = [result.epoch + 1 for result in history]
        for place, (_, value) in enumerate(_PANELS):
            _line(
                figure, epochs, [value(r) for r in history], place, f"fold {number}", colour,
                legend=place == 0,
            )  # fmt: skip
        _line(
            figure, epochs, [r.train_loss for r in history], 0, f"fold {number}, training", colour,
            legend=False, dash="dot",
        )  # fmt: skip
    return figure


def run_curves(runs: Mapping[str, Sequence[Sequence[EpochResult]]], planned: int) -> go.Figure:
    """The mean over folds of several runs, at the epochs that every fold of a run has done."""
    figure = _empty(planned)
    for index, (name, histories) in enumerate(runs.items()):
        done = min((len(history) for history in histories if history), default=0)
        going = [history[:done] for history in histories if history]
        epochs = list(range(1, done + 1))
        for place, (_, value) in enumerate(_PANELS):
            mean = [float(np.mean([value(h[e]) for h in going])) for e in range(done)]
            _line(figure, epochs, mean, place, name, SERIES[index % len(SERIES)], legend=place == 0)
    return figure


def pretraining_curves(runs: Mapping[str, Sequence[PretrainEpoch]], planned: int) -> go.Figure:
    """Loss, images a second and learning rate of pretrainings.

    Args:
        runs: epochs done, by the run's name.
        planned: epochs that are asked for; the axis' end.
    """
    figure = make_subplots(
        rows=1, cols=3, horizontal_spacing=0.07,
        subplot_titles=["Loss", "Images a second", "Learning rate"],
    )  # fmt: skip
    for index, (name, history) in enumerate(runs.items()):
        epochs, colour = [one.epoch + 1 for one in history], SERIES[index % len(SERIES)]
        figures = (
            [one.loss for one in history],
            [one.images_per_s for one in history],
            [one.learning_rate for one in history],
        )
        for column, values in enumerate(figures, start=1):
            line = go.Scatter(
                x=epochs, y=values, name=escape(name), legendgroup=name, showlegend=column == 1,
                mode="lines+markers" if len(epochs) < 2 else "lines",
                line={"color": colour, "width": 2}, hovertemplate="%{y:.4g}",
            )  # fmt: skip
            figure.add_trace(line, 1, column)
    figure.update_xaxes(
        range=[0.5, planned + 0.5], gridcolor=LINE, zeroline=False, title_text="epoch"
    )
    figure.update_yaxes(gridcolor=LINE, zeroline=False, rangemode="nonnegative")
    figure.update_yaxes(rangemode="tozero", col=2)
    figure.update_yaxes(tickformat=".1e", col=3)
    _dress(figure, 260)
    figure.update_layout(showlegend=len(runs) > 1, legend={"y": -0.3})
    return figure


def _empty(planned: int) -> go.Figure:
    figure = make_subplots(
        rows=2, cols=2, horizontal_spacing=0.08, vertical_spacing=0.16,
        subplot_titles=[title for title, _ in _PANELS],
    )  # fmt: skip
    figure.update_xaxes(range=[0.5, planned + 0.5], gridcolor=LINE, zeroline=False)
    figure.update_xaxes(title_text="epoch", row=2)
    figure.update_yaxes(gridcolor=LINE, zeroline=False, rangemode="nonnegative")
    for place in (1, 2):
        row, column = divmod(place, 2)
        figure.update_yaxes(range=[-0.03, 1.03], row=row + 1, col=column + 1)
    figure.update_yaxes(tickformat=".1e", row=2, col=2)
    _dress(figure, 480)
    return figure


def _dress(figure: go.Figure, height: int) -> None:
    figure.update_annotations(font={"size": 13, "color": QUIET})
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 30, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": INK},
        legend={"orientation": "h", "y": -0.14},
        hovermode="x unified",
        uirevision="curves",
    )


def _line(
    figure: go.Figure,
    epochs: list[int],
    values: list[float],
    place: int,
    name: str,
    colour: str,
    *,
    legend: bool,
    dash: str = "solid",
) -> None:
    row, column = divmod(place, 2)
    figure.add_trace(
        go.Scatter(
            x=epochs, y=values, name=escape(name), legendgroup=name, showlegend=legend,
            mode="lines+markers" if len(epochs) < 2 else "lines",
            line={"color": colour, "width": 2 if dash == "solid" else 1.3, "dash": dash},
            hovertemplate="%{y:.4g}",
        ),
        row + 1, column + 1,
    )  # fmt: skip
