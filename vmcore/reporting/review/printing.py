"""Plots as SVG and PNG at print size, drawn by a Chromium or Chrome on this machine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Literal

import kaleido
import plotly.graph_objects as go

from vmcore.reporting.review.style import on_paper

WIDTH_MM, DOTS_PER_INCH = 85.0, 300  # a journal's column
_WIDTH, _HEIGHT = 640, 480  # pixels on which plot and type are laid out
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


class PrintError(RuntimeError):
    """Pictures cannot be made here; the message says what is missing."""


def print_plots(
    figures: Mapping[str, go.Figure], formats: tuple[Literal["svg", "png"], ...] = ("svg", "png")
) -> dict[str, bytes]:
    """Draw figures on white for print.

    Args:
        figures: by name.
        formats: "svg" and "png"; the PNG has 300 dots an inch at two journal columns' width.

    Returns:
        file names and contents.

    Raises:
        PrintError: there is no Chromium or Chrome, or it does not start.
    """
    browser = next((found for name in _BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        raise PrintError(
            "Pictures for print are drawn by a Chromium or Chrome, and none is installed on this "
            "machine (for instance: apt-get install chromium). The plots can still be saved from "
            "the browser, one by one, with the camera in their corner."
        )
    made = {}
    scale = 2 * WIDTH_MM / 25.4 * DOTS_PER_INCH / _WIDTH
    with _drawing(browser):
        for name, figure in figures.items():
            paper = on_paper(figure)
            for kind in formats:
                options: dict[str, object] = {"format": kind, "width": _WIDTH, "height": _HEIGHT}
                if kind == "png":
                    options["scale"] = scale
                made[f"{name}.{kind}"] = kaleido.calc_fig_sync(paper, opts=options)
    return made


@contextmanager
def _drawing(browser: str) -> Iterator[None]:
    try:
        kaleido.start_sync_server(path=browser, n=1, silence_warnings=True)
        yield
    except PrintError:
        raise
    except Exception as error:  # whatever a browser may die of
        raise PrintError(
            f"The browser that draws pictures for print failed ({type(error).__name__})."
        ) from error
    finally:
        with suppress(Exception):
            kaleido.stop_sync_server(silence_warnings=True)
