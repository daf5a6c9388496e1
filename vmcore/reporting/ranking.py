"""In which order many answers are looked at: the most that matters first."""

from __future__ import annotations

from vmcore.inference import Analysis
from vmcore.reporting.words import NO_VERDICT, Verdict

_TONES = ("ventriculomegaly", "withheld", "normal")


def urgency(said: Verdict, analysis: Analysis) -> tuple[int, float, float]:
    """Sort key of an answer and what is said of it; the least comes first.

    Wide ventricles come first, then answers that contradict themselves or lie on the border, then
    normal ones, then pictures about which nothing can be said. Within each the widest come first, and
    without millimetres those with the higher probability.
    """
    rank = len(_TONES) if said.headline == NO_VERDICT else _TONES.index(said.tone)
    atrium = analysis.anatomy.atrium if analysis.anatomy else None
    width = atrium.width_mm if atrium is not None and atrium.width_mm is not None else 0.0
    return rank, -width, -analysis.prediction.probability


def needs_a_look(said: Verdict) -> bool:
    """Whether somebody should look: anything but a normal answer or a picture that shows no head."""
    return said.tone != "normal" and said.headline != NO_VERDICT
