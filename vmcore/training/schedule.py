"""Learning rate over time: linear warm-up, then half a cosine."""

from __future__ import annotations

import math


def learning_rate(
    step: int, steps: int, *, peak: float, floor: float = 0.0, warm_up: float = 0.1
) -> float:
    """Learning rate of a step.

    Args:
        step: 0 to ``steps - 1``.
        steps: all steps of the training.
        peak: rate at the end of the warm-up.
        floor: rate that the cosine falls to.
        warm_up: share of the steps in which the rate rises from near zero.
    """
    rising = max(round(warm_up * steps), 1)
    if step < rising:
        return peak * (step + 1) / rising
    done = (step - rising) / max(steps - rising, 1)
    return floor + (peak - floor) * 0.5 * (1 + math.cos(math.pi * done))
