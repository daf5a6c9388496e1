"""A loop as a whole: its frames' answers over time, which of them to look at, and one sentence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from vmcore.anatomy import WIDE_MM
from vmcore.inference import FrameAnswer
from vmcore.reporting.colours import AMBER, INK, LINE, QUIET, ROSE, TEAL
from vmcore.reporting.figures import percent

_PROPOSED = 3
_APART = 0.08  # of the loop, between proposed frames


def proposed_frames(answers: Sequence[FrameAnswer], count: int = _PROPOSED) -> list[int]:
    """Frames that matter most: measured, known to the classifier, the surest width first, and apart.

    Args:
        answers: of one loop.
        count: how many at most.

    Returns:
        frames' numbers, from 0, the best first; none where no frame was measured.
    """
    measured = [one for one in answers if one.share is not None and one.in_domain is not False]
    measured.sort(key=lambda one: ((one.share_sd or 0.0) / (one.share or 1.0), one.frame))
    last = max((one.frame for one in answers), default=0)
    chosen: list[int] = []
    for one in measured:
        if all(abs(one.frame - other) > _APART * last for other in chosen):
            chosen.append(one.frame)
        if len(chosen) == count:
            break
    return chosen


def loop_words(answers: Sequence[FrameAnswer], frames: int) -> str:
    """How many frames were judged, their median probability and width, and how that was formed.

    Args:
        answers: of the frames that were judged so far.
        frames: of the whole loop.
    """
    if not answers:
        return "No frame has been judged yet."
    known = [one for one in answers if one.in_domain is not False and one.head_found is not False]
    said = [
        f"{len(answers)} of {frames} frames judged; {len(known)} show a head that the model knows."
    ]
    if known:
        low, middle, high = np.quantile([one.probability for one in known], [0.1, 0.5, 0.9])
        said.append(
            f"In those the probability of ventriculomegaly is {percent(middle)} in the median "
            f"(10th to 90th percentile {percent(low)} to {percent(high)})."
        )
    widths = [one.width_mm for one in known if one.width_mm is not None]
    shares = [one.share for one in known if one.share is not None]
    if widths:
        low, middle, high = np.quantile(widths, [0.1, 0.5, 0.9])
        said.append(
            f"The atrium was measured in {len(widths)}: {middle:.1f} mm in the median ({low:.1f} to "
            f"{high:.1f}). Frames of one loop are alike: their spread is not the measurement's error."
        )
    elif shares:
        low, middle, high = 100 * np.quantile(shares, [0.1, 0.5, 0.9])
        said.append(
            f"The atrium was measured in {len(shares)}: {middle:.1f}% of the head's short axis in the "
            f"median ({low:.1f} to {high:.1f})."
        )
    else:
        said.append("The atrium could be measured in none.")
    return " ".join(said)


def loop_figure(
    answers: Sequence[FrameAnswer], threshold: float, frames: int, shown: int
) -> go.Figure:
    """Probability and atrial width over the frames; clicking a point tells its frame.

    Args:
        answers: of the frames that were judged, in any order.
        threshold: of the probability, 0..1.
        frames: of the whole loop.
        shown: the frame that is looked at, from 0.
    """
    told = sorted(answers, key=lambda one: one.frame)
    at = [one.frame + 1 for one in told]
    in_mm = any(one.width_mm is not None for one in told)
    figure = make_subplots(
        rows=2, shared_xaxes=True, vertical_spacing=0.1,
        subplot_titles=["Probability of ventriculomegaly, %",
                        "Atrial width, mm" if in_mm else "Atrial width, % of the head's short axis"],
    )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=at, y=[100 * one.probability for one in told], mode="lines+markers", name="probability",
            line={"color": TEAL, "width": 1.5},
            marker={"size": 7, "color": [QUIET if one.in_domain is False else TEAL for one in told]},
            hovertemplate="frame %{x}: %{y:.0f} %<extra></extra>",
        ), 1, 1,
    )  # fmt: skip
    figure.add_hline(
        100 * threshold, line={"color": AMBER, "width": 1.5, "dash": "dot"}, row=1, col=1
    )
    measured = [one for one in told if one.share is not None]
    widths = [one.width_mm if in_mm else 100 * (one.share or 0.0) for one in measured]
    deviations = [one.width_mm_sd if in_mm else 100 * (one.share_sd or 0.0) for one in measured]
    figure.add_trace(
        go.Scatter(
            x=[one.frame + 1 for one in measured], y=widths, mode="markers", name="width",
            marker={"size": 7, "color": [ROSE if in_mm and (width or 0) >= WIDE_MM else TEAL for width in widths]},
            error_y={"array": [1.96 * (one or 0.0) for one in deviations], "color": LINE, "thickness": 1.2},
            hovertemplate="frame %{x}: %{y:.1f}<extra></extra>",
        ), 2, 1,
    )  # fmt: skip
    if in_mm:
        figure.add_hline(WIDE_MM, line={"color": AMBER, "width": 1.5, "dash": "dot"}, row=2, col=1)
    figure.add_vline(shown + 1, line={"color": INK, "width": 1, "dash": "dash"})
    figure.update_xaxes(range=[0.5, frames + 0.5], gridcolor=LINE, zeroline=False)
    figure.update_xaxes(title_text="frame", row=2, col=1)
    figure.update_yaxes(range=[-2, 102], row=1, col=1, gridcolor=LINE, zeroline=False)
    figure.update_yaxes(rangemode="tozero", row=2, col=1, gridcolor=LINE, zeroline=False)
    figure.update_annotations(font={"size": 13, "color": QUIET})
    figure.update_layout(
        height=340, margin={"l": 44, "r": 8, "t": 24, "b": 40}, showlegend=False, font={"color": INK},
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)", clickmode="event+select",
    )  # fmt: skip
    return figure
