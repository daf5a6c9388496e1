"""From which picture a model would learn most if a person said what it shows.

Two questions that an answer leaves open, each in bits, from 0 (settled) to 1:

- Do the folds contradict each other? The mutual information of prediction and fold, H(mean p) - mean H(p):
  BALD (Houlsby et al. 2011, arXiv:1112.5745), with the folds as the draws of the model, as deep ensembles are
  used for it (Beluch et al. 2018, CVPR). Folds that are all undecided give 0: the picture is poor, and a
  label would teach little.
- On which side of 10 mm does the width lie? The entropy of that, with the measured width and its standard
  deviation taken as a normal distribution (:func:`vmcore.reporting.interval_mm` does the same).

Their sum orders pictures: labels are asked for where it is largest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vmcore.anatomy import WIDE_MM
from vmcore.inference import Analysis

_WORTH_SAYING = 0.05  # bits
_MOST_CERTAIN = 1e-12


@dataclass(frozen=True, slots=True)
class LearningValue:
    """How much a label would teach.

    Attributes:
        disagreement: mutual information of prediction and fold, bits, 0..1.
        width: entropy of whether the width reaches 10 mm, bits, 0..1; 0 without millimetres.
        reason: why it is worth a label, in a few words.
        brief: the same for a narrow list.
    """

    disagreement: float
    width: float
    reason: str
    brief: str

    @property
    def bits(self) -> float:
        """Both together, 0..2; most to learn is largest."""
        return self.disagreement + self.width


def mutual_information(fold_probabilities: Sequence[float] | npt.NDArray[np.float64]) -> float:
    """Mutual information of prediction and fold, bits, 0..1; 0 where there are fewer than two folds.

    Args:
        fold_probabilities: (F,), each fold's own, 0..1.
    """
    folds = np.asarray(fold_probabilities, np.float64)
    if folds.size < 2:
        return 0.0
    return max(_entropy(float(folds.mean())) - float(np.mean([_entropy(p) for p in folds])), 0.0)


def width_entropy(width_mm: float | None, deviation_mm: float | None) -> float:
    """Entropy of whether a width reaches 10 mm, bits, 0..1; 0 where it was not measured in mm.

    Args:
        width_mm: as it was measured.
        deviation_mm: one standard deviation of it.
    """
    if width_mm is None or deviation_mm is None or deviation_mm <= 0:
        return 0.0
    reaches = 0.5 * math.erfc((WIDE_MM - width_mm) / (deviation_mm * math.sqrt(2)))
    return _entropy(reaches)


def learning_value(
    fold_probabilities: Sequence[float] | npt.NDArray[np.float64],
    width_mm: float | None = None,
    deviation_mm: float | None = None,
) -> LearningValue:
    """How much a label of a picture would teach, and why, from its answer alone.

    Args:
        fold_probabilities: (F,), each fold's own, 0..1.
        width_mm: the measured atrial width, or None.
        deviation_mm: one standard deviation of it.
    """
    disagreement = mutual_information(fold_probabilities)
    width = width_entropy(width_mm, deviation_mm)
    said = []
    if disagreement >= _WORTH_SAYING:
        low, high = min(fold_probabilities), max(fold_probabilities)
        said.append(
            (disagreement, f"the folds say {low:.2f} to {high:.2f}", f"folds {low:.2f}–{high:.2f}")
        )
    if width >= _WORTH_SAYING:
        measured = f"{width_mm:.1f} ± {deviation_mm:.1f} mm"
        said.append((width, f"{measured} leaves open which side of {WIDE_MM:g} mm", measured))
    said.sort(reverse=True)
    reasons = [words for _, words, _ in said]
    if not reasons:
        reasons.append(f"{_agreement(fold_probabilities)}, so a label teaches the model little")
    if width_mm is None or deviation_mm is None:
        reasons.append("no millimetres to ask the width by")
    brief = ", ".join(words for _, _, words in said) or "little"
    return LearningValue(disagreement, width, "; ".join(reasons), brief)


def _agreement(folds: Sequence[float] | npt.NDArray[np.float64]) -> str:
    """What is said of folds that contradict each other little, however undecided they are."""
    if len(folds) < 2:
        return "one fold contradicts nobody"
    low, high = f"{min(folds):.2f}", f"{max(folds):.2f}"
    return (
        f"the folds agree ({low})" if low == high else f"the folds differ little ({low} to {high})"
    )


def learning_value_of(analysis: Analysis) -> LearningValue:
    """The same of an analysis."""
    atrium = analysis.anatomy.atrium if analysis.anatomy else None
    width, deviation = (atrium.width_mm, atrium.uncertainty_mm) if atrium else (None, None)
    return learning_value(analysis.prediction.fold_probabilities, width, deviation)


def _entropy(probability: float) -> float:
    """Of a yes or no, bits."""
    p = min(max(float(probability), 0.0), 1.0)
    if p < _MOST_CERTAIN or p > 1 - _MOST_CERTAIN:
        return 0.0
    return -p * math.log2(p) - (1 - p) * math.log2(1 - p)
