"""What a result means where ventriculomegaly is rarer than in the study: PPV, NPV, net benefit."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vmcore.evaluation.metrics import Labels, checked

Values = npt.NDArray[np.float64]


def predictive_values(
    sensitivity: npt.ArrayLike, specificity: npt.ArrayLike, prevalence: npt.ArrayLike
) -> tuple[Values, Values]:
    """PPV and NPV by Bayes' rule, of any shape; NaN where nothing would be called so.

    Raises:
        ValueError: a value outside [0, 1].
    """
    sens, spec, share = (
        np.asarray(value, np.float64) for value in (sensitivity, specificity, prevalence)
    )
    for name, value in (("sensitivity", sens), ("specificity", spec), ("prevalence", share)):
        if ((value < 0) | (value > 1)).any():
            raise ValueError(f"The {name} must lie between 0 and 1.")
    with np.errstate(divide="ignore", invalid="ignore"):
        ppv = sens * share / (sens * share + (1 - spec) * (1 - share))
        npv = spec * (1 - share) / (spec * (1 - share) + (1 - sens) * share)
    return np.asarray(ppv), np.asarray(npv)


def net_benefit(
    y_true: Labels,
    probability: npt.ArrayLike,
    thresholds: npt.ArrayLike,
    prevalence: float | None = None,
) -> tuple[Values, Values]:
    """Net benefit of acting on the model, and of acting on everybody (Vickers & Elkin 2006).

    Acting at a threshold t says that a missed case is as bad as (1 - t) / t false alarms; net
    benefit is then sensitivity x prevalence - (1 - specificity) x (1 - prevalence) x t / (1 - t), in
    true positives per person. Acting on nobody has 0.

    Args:
        y_true: (N,), 0 or 1.
        probability: (N,), in [0, 1]; meaningful only where calibrated.
        thresholds: (T,), in [0, 1).
        prevalence: where the model is to be used; the data's own without.

    Returns:
        (T,) of the model and (T,) of acting on everybody.
    """
    truth, values = checked(y_true, probability)
    odds = np.asarray(thresholds, np.float64)
    share = float(truth.mean()) if prevalence is None else prevalence
    sick, well = np.sort(values[truth == 1]), np.sort(values[truth == 0])
    sensitivity = 1 - np.searchsorted(sick, odds) / max(len(sick), 1)
    false_rate = 1 - np.searchsorted(well, odds) / max(len(well), 1)
    price = (1 - share) * odds / (1 - odds)
    return sensitivity * share - false_rate * price, share - price
