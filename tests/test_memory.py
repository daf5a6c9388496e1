"""Want of memory is told from other errors, whichever library says it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from vmcore.memory import is_out_of_memory

_TOO_MUCH = 2**50


def test_no_memory_is_known_in_every_library_s_way() -> None:
    for ask in (
        lambda: np.zeros(_TOO_MUCH),
        lambda: torch.empty(_TOO_MUCH),
        lambda: bytearray(2**60),
    ):
        with pytest.raises((MemoryError, RuntimeError)) as said:
            ask()
        assert is_out_of_memory(said.value), said.value


@pytest.mark.parametrize("error", [ValueError("x"), RuntimeError("x"), OSError(28, "x")])
def test_other_errors_are_not_taken_for_it(error: Exception) -> None:
    assert not is_out_of_memory(error)


def test_opencv_s_other_errors_are_not_taken_for_it() -> None:
    with pytest.raises(cv2.error) as said:
        cv2.cvtColor(np.zeros((2, 2), np.uint8), cv2.COLOR_RGB2GRAY)
    assert not is_out_of_memory(said.value)
