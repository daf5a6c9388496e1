"""Networks that nobody uses give their memory back, and answer as before when they are asked again."""

from __future__ import annotations

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from vmcore.resting import Network, Resting, rest_idle


def network() -> Network:
    """Two convolutions of ones over pictures of any size."""
    pictures = ops.parameter([-1, 1, -1, -1], np.float32)
    first = ops.convolution(
        pictures, np.ones((32, 1, 3, 3), np.float32), [1, 1], [1, 1], [1, 1], [1, 1]
    )
    second = ops.convolution(
        first, np.ones((1, 32, 3, 3), np.float32), [1, 1], [1, 1], [1, 1], [1, 1]
    )
    return Network(ov.Core().compile_model(ov.Model([second], [pictures], "sum"), "CPU"))


def test_a_network_that_has_rested_answers_as_before() -> None:
    made, picture = network(), np.random.default_rng(1).random((1, 1, 40, 50), np.float32)
    (before,) = made(picture)
    assert made.rest()
    assert not made.rest(), "there is nothing left to give back"
    (after,) = made(picture)
    assert np.array_equal(before, after)
    assert before[0, 0, 20, 20] == pytest.approx(32 * _sum_about(picture[0, 0], 20, 20), rel=1e-3)


def _sum_about(picture: np.ndarray, row: int, column: int) -> float:
    """Over all 3 x 3 neighbourhoods of a 3 x 3 neighbourhood."""
    weights = np.outer([1, 2, 3, 2, 1], [1, 2, 3, 2, 1])
    return float((picture[row - 2 : row + 3, column - 2 : column + 3] * weights).sum())


def test_only_what_was_idle_long_enough_rests() -> None:
    made = network()
    made(np.zeros((1, 1, 8, 8), np.float32))
    rest_idle(3600.0)
    assert made.rest(), "it did not rest before"
    made(np.zeros((1, 1, 8, 8), np.float32))
    rest_idle(0.0)
    assert not made.rest()


class _Broken(Resting):
    def work(self) -> None:
        with self._at_work():
            pass

    def _give_back(self) -> None:
        raise RuntimeError("of nobody's concern")


def test_one_that_cannot_rest_keeps_no_other_from_it(caplog: pytest.LogCaptureFixture) -> None:
    broken, made = _Broken(), network()
    broken.work()
    made(np.zeros((1, 1, 8, 8), np.float32))
    rest_idle(0.0)
    assert not made.rest(), "it has rested"
    assert "_Broken does not rest (RuntimeError)" in caplog.text
    assert "concern" not in caplog.text
