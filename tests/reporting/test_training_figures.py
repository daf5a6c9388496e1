"""Learning curves and the picture of how annotations are told from tissue."""

from __future__ import annotations

import numpy as np
import pytest

from vmcore.data.phantom import OverlaySettings, make_phantom
from vmcore.reporting import fold_curves, hsv_scatter, run_curves
from vmcore.training import EpochResult


def history(epochs: int, shift: float = 0.0) -> list[EpochResult]:
    return [
        EpochResult(e, 1.0 - e / 10, 0.9 - e / 10, {"accuracy": 0.5 + shift, "f1": 0.4}, 1e-4, 1.0)
        for e in range(epochs)
    ]


def test_every_fold_has_its_lines() -> None:
    figure = fold_curves([history(3), history(1), []], planned=5)
    assert len(figure.data) == 3 * 5  # four panels, and training loss beside validation loss
    assert list(figure.data[0].x) == [1, 2, 3]
    assert list(figure.data[4].y) == pytest.approx([1.0, 0.9, 0.8])
    assert figure.data[5].mode == "lines+markers"  # one point is no line
    assert [trace.name for trace in figure.data if trace.showlegend] == [
        "fold 1", "fold 2", "fold 3",
    ]  # fmt: skip


def test_runs_side_by_side_show_the_mean_of_what_every_fold_has_done() -> None:
    figure = run_curves({"one": [history(4), history(2, 0.2), []], "two": [[], []]}, planned=4)
    accuracy = figure.data[1]
    assert accuracy.name == "one"
    assert list(accuracy.x) == [1, 2]
    assert list(accuracy.y) == pytest.approx([0.6, 0.6])
    assert len(figure.data[4].x) == 0  # nothing done yet


def test_pixels_are_shown_apart_by_what_was_painted_over() -> None:
    frame = make_phantom(12.0, 3, overlays=OverlaySettings())
    figure = hsv_scatter(frame.image, frame.overlay)
    tissue, painted = figure.data
    assert np.median(painted.y) > 150
    assert np.median(tissue.y) < 20
    assert len(tissue.x) == 4000
