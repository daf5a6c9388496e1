"""A map from what a network says to a probability that holds, kept in a bundle's card."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field
from scipy.special import expit

_EDGE = 1e-7


def logit(probability: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Log odds; 0 and 1 are drawn in by 1e-7."""
    inside = np.clip(np.asarray(probability, np.float64), _EDGE, 1 - _EDGE)
    return np.asarray(np.log(inside / (1 - inside)), np.float64)


class Calibration(BaseModel):
    """Log odds times ``slope`` plus ``intercept`` (Platt 1999; temperature: the slope alone)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Literal["temperature", "platt"]
    slope: float = Field(gt=0.0, allow_inf_nan=False)
    intercept: float = Field(0.0, allow_inf_nan=False)

    @property
    def temperature(self) -> float:
        """By what the log odds are divided."""
        return 1 / self.slope

    def apply(self, probability: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Calibrated probabilities of the same shape; NaN stays NaN. Order is kept."""
        return np.asarray(expit(self.slope * logit(probability) + self.intercept), np.float64)

    def invert(self, probability: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Raw probabilities that become these."""
        return np.asarray(expit((logit(probability) - self.intercept) / self.slope), np.float64)
