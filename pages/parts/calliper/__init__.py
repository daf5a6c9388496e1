"""A picture on which callipers are set with the mouse, a finger or the keyboard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import streamlit as st

from vmcore.anatomy.result import Point
from vmcore.reporting.pictures import png_data_uri

_HERE = Path(__file__).resolve().parent
_NAME = "ventriscope.calliper"
GUIDE = (_HERE / "guide.svg").read_text("utf-8")
"""A drawing of where the calliper belongs."""


@dataclass(frozen=True, slots=True)
class DrawnLine:
    """What somebody drew: a calliper, or a distance that is known; ends are (row, column) in pixels.

    ``taken``: it is the machine's, which nobody has moved yet.
    """

    kind: Literal["calliper", "distance"]
    ends: tuple[Point, Point]
    taken: bool = False


def draw_callipers(
    image: npt.NDArray[np.uint8],
    lines: Sequence[DrawnLine],
    *,
    key: str,
    machine: tuple[Point, Point] | None = None,
    spacing_mm: tuple[float, float] | None = None,
    pixel_aspect: float = 1.0,
    may_set_distance: bool = False,
) -> None:
    """Show the picture and what is drawn on it; :func:`drawn_lines` tells what is drawn.

    Args:
        image: uint8 (H, W, 3), cleaned.
        lines: what is drawn at first.
        key: of the picture; another one begins anew.
        machine: the machine's calliper, to begin with.
        spacing_mm: (row, column) millimetres per pixel, for the number that follows the mouse.
        pixel_aspect: a pixel's height over its width, in millimetres.
        may_set_distance: whether a known distance may be drawn.
    """
    data = {
        "picture_key": key,
        "image": png_data_uri(image),
        "width": image.shape[1],
        "height": image.shape[0],
        "lines": [
            {"kind": line.kind, "ends": [list(end) for end in line.ends], "taken": line.taken}
            for line in lines
        ],
        "machine": None if machine is None else [list(end) for end in machine],
        "spacing_mm": spacing_mm,
        "pixel_aspect": pixel_aspect,
        "may_set_distance": may_set_distance,
    }
    _component()(
        key=f"calliper-{key}", data=data, default={"lines": data["lines"]}, height="content",
        on_lines_change=lambda: None,
    )  # fmt: skip


def drawn_lines(key: str) -> list[DrawnLine] | None:
    """What is drawn on a picture; None where it is not shown."""
    state = st.session_state.get(f"calliper-{key}")
    if not state or state.get("lines") is None:
        return None
    return [line for told in state["lines"] if (line := _line(told)) is not None]


@lru_cache(maxsize=1)
def _component() -> Any:
    return st.components.v2.component(
        _NAME,
        html='<div class="calliper"></div>',
        css=(_HERE / "calliper.css").read_text("utf-8"),
        js=(_HERE / "calliper.js").read_text("utf-8"),
    )


def _line(told: Any) -> DrawnLine | None:
    """What a browser says, checked; None of anything else."""
    try:
        (r0, c0), (r1, c1) = ((float(row), float(column)) for row, column in told["ends"])
        kind = told["kind"]
    except (KeyError, TypeError, ValueError):
        return None
    if kind not in {"calliper", "distance"}:
        return None
    return DrawnLine(kind, ((r0, c0), (r1, c1)), told.get("taken") is True)
