"""Head, midline and calliper drawn over a picture, on the page and in files."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from vmcore.anatomy import Anatomy, HandCalliper, Point
from vmcore.reporting.colours import AMBER, BACKGROUND, CYAN, INK

_FAINT = "rgba(217,226,232,0.45)"
_AXIS_END = 0.1  # of the long axis, at each of its ends
_FINE = 4  # bits of a pixel's share when lines are drawn into a picture


def midline_strokes(anatomy: Anatomy) -> list[tuple[Point, Point]]:
    """Lines, (row, column) to (row, column), that stand for the midline.

    The whole of it where the falx was seen. Of a mere long axis only both ends: a line through the head
    would look like a falx that nobody has seen.
    """
    if anatomy.midline is None:
        return []
    first, last = np.array(anatomy.midline)
    if anatomy.midline_from == "falx":
        return [anatomy.midline]
    ends = [(end, end + _AXIS_END * (other - end)) for end, other in ((first, last), (last, first))]
    return [(_point(outer), _point(inner)) for outer, inner in ends]


def _point(place: npt.NDArray[np.float64]) -> Point:
    return float(place[0]), float(place[1])


def legend_words(anatomy: Anatomy | None, hand: Sequence[HandCalliper] = ()) -> str:
    """What the lines over a picture are, as a sentence; nothing of what is not drawn, and empty without any."""
    said = []
    if anatomy is not None and anatomy.atrium is not None:
        said.append("upright crosses, solid: measured by the machine")
    if hand:
        said.append("slanted crosses, dashed: measured by hand")
    if anatomy is not None and anatomy.head is not None and anatomy.midline is not None:
        falx = anatomy.midline_from == "falx"
        line = "midline (dotted)" if falx else "the ends of its long axis (no falx was found)"
        said.append(f"faint: head and {line}")
    return f"{'; '.join(said).capitalize()}." if said else ""


def anatomy_traces(anatomy: Anatomy, row: int, column: int) -> list[go.Scatter]:
    """Lines over a picture whose top left pixel lies at (row, column) of the figure.

    The head's ellipse and midline are faint; the calliper is not.
    """
    traces = []
    if anatomy.head is not None and anatomy.midline is not None:
        outline = anatomy.head.ellipse.outline(72)
        closed = np.vstack([outline, outline[:1]])
        traces.append(_line(closed[:, 0] + column, closed[:, 1] + row, _FAINT, 1.2, "head"))
        falx = anatomy.midline_from == "falx"
        name = "midline: falx" if falx else "the skull's long axis"
        for stroke in midline_strokes(anatomy):
            ends = np.array(stroke)
            x, y = ends[:, 1] + column, ends[:, 0] + row
            if not falx:  # its ends lie on the skull, which is bright
                traces.append(_line(x, y, BACKGROUND, 4.5, "edge of the skull's long axis"))
            line = _line(x, y, _FAINT, 1.0, name) if falx else _line(x, y, INK, 1.5, name)
            line.line.dash = "dot" if falx else "solid"
            traces.append(line)
    if anatomy.atrium is not None:
        ends = np.array([anatomy.atrium.start, anatomy.atrium.end])
        x, y = ends[:, 1] + column, ends[:, 0] + row
        traces.append(
            _line(x, y, BACKGROUND, 5.0, "atrial width's edge")
        )  # seen on warm colours too
        line = _line(x, y, AMBER, 2.0, "atrial width")
        line.mode = "lines+markers"
        line.marker = {"symbol": "cross-thin", "size": 11, "line": {"color": AMBER, "width": 2}}
        traces.append(line)
    return traces


def hand_traces(hand: Sequence[HandCalliper], row: int, column: int) -> list[go.Scatter]:
    """The same for callipers that a person set: dashed, in another colour, with slanted crosses."""
    traces = []
    for one in hand:
        ends = np.array([one.start, one.end])
        x, y = ends[:, 1] + column, ends[:, 0] + row
        traces.append(_line(x, y, BACKGROUND, 5.0, "edge of a width by hand"))
        line = _line(x, y, CYAN, 2.0, "width by hand")
        line.mode, line.line.dash = "lines+markers", "dash"
        line.marker = {"symbol": "x-thin", "size": 10, "line": {"color": CYAN, "width": 2}}
        traces.append(line)
    return traces


def _line(
    x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], colour: str, width: float, name: str
) -> go.Scatter:
    told = "skip" if colour == BACKGROUND else "name"  # an edge only makes its line stand out
    return go.Scatter(
        x=np.round(x, 2), y=np.round(y, 2), mode="lines", line={"color": colour, "width": width},
        name=name, hoverinfo=told, showlegend=False,
    )  # fmt: skip


def with_callipers(
    image: npt.NDArray[np.uint8], anatomy: Anatomy | None, hand: Sequence[HandCalliper] = ()
) -> npt.NDArray[np.uint8]:
    """The same lines drawn into a copy of a picture, uint8 (H, W, 3)."""
    drawn = image.copy()
    width = max(round(max(image.shape) / 500), 1)
    faint = drawn.copy()
    if anatomy is not None and anatomy.head is not None and anatomy.midline is not None:
        outline = np.round(anatomy.head.ellipse.outline() * 2**_FINE).astype(np.int32)
        cv2.polylines(faint, [outline], True, _rgb(INK), width, cv2.LINE_AA, _FINE)
        for stroke in midline_strokes(anatomy):
            if anatomy.midline_from != "falx":
                _stroke(faint, stroke, BACKGROUND, 3 * width)
            _stroke(faint, stroke, INK, width)
        drawn = cv2.addWeighted(drawn, 0.5, faint, 0.5, 0)
    arm = 5.0 * width
    if anatomy is not None and anatomy.atrium is not None:
        ends = np.array([anatomy.atrium.start, anatomy.atrium.end])
        _stroke(drawn, ends, AMBER, width)
        for row, column in ends:
            _stroke(drawn, ((row - arm, column), (row + arm, column)), AMBER, width)
            _stroke(drawn, ((row, column - arm), (row, column + arm)), AMBER, width)
    arm *= 0.7
    for one in hand:
        _stroke(drawn, (one.start, one.end), CYAN, width)
        for row, column in (one.start, one.end):
            _stroke(drawn, ((row - arm, column - arm), (row + arm, column + arm)), CYAN, width)
            _stroke(drawn, ((row - arm, column + arm), (row + arm, column - arm)), CYAN, width)
    return drawn


def _stroke(picture: npt.NDArray[np.uint8], ends: npt.ArrayLike, colour: str, width: int) -> None:
    (r0, c0), (r1, c1) = np.round(np.asarray(ends) * 2**_FINE).astype(int).tolist()
    cv2.line(picture, (c0, r0), (c1, r1), _rgb(colour), width, cv2.LINE_AA, _FINE)


def _rgb(colour: str) -> tuple[int, int, int]:
    return tuple(bytes.fromhex(colour.lstrip("#")))  # type: ignore[return-value]
