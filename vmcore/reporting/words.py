"""The verdict in a sonographer's words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vmcore.anatomy import (
    WIDE_MM,
    Grades,
    grade,
    is_early,
)
from vmcore.inference import Analysis, Prediction
from vmcore.reporting.figures import percent, told_apart
from vmcore.reporting.measurement import (
    holds_limit,
    shown_mm,
    why_no_mm,
    why_not_measured,
    width_words,
)

HEATMAP_WORDS = {
    "eigen-cam": (
        "The heatmap is Eigen-CAM, the mean of the folds: how strongly each patch, as the last "
        "attention takes it in, follows the direction in which the picture's patches differ most. It "
        "shows what stands out to the network, whichever way it decides; it proves nothing."
    ),
    "score-cam": (
        "The heatmap is Score-CAM, the mean of the folds: each channel of what the last attention takes "
        "in masks the picture, and the logit of ventriculomegaly for what is left weighs the channel; it "
        "proves nothing."
    ),
    "others": (
        "The heatmap shows which patches would change the logit of ventriculomegaly, by gradients at "
        "what the last attention takes in, the mean of the folds; it proves nothing."
    ),
}
"""What a heatmap is, by method, for the page that shows it."""


Tone = Literal["normal", "ventriculomegaly", "withheld"]
NO_VERDICT, TOO_SMALL = "No verdict", "Too small to judge"
_NOT_MEASURED = " (not measured)"
_BY_HAND = "Measure it by hand."
_BY = {"ruler": "the ruler", "gestational age": "gestational age"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """A headline, one sentence that explains it, and its tone."""

    headline: str
    sentence: str
    tone: Tone

    @property
    def brief(self) -> str:
        """The headline for a narrow list, without the width, ventriculomegaly as VM."""
        said = self.headline.rsplit(": ", 1)[-1].removesuffix(_NOT_MEASURED)
        return said.replace("Ventriculomegaly", "VM").replace("ventriculomegaly", "VM")


def verdict(analysis: Analysis, grades: Grades = "isuog") -> Verdict:
    """Put an analysis into words: what was measured first, the classifier's opinion beside it.

    Where both contradict each other, or the width's 95 % interval holds 10 mm, that is the verdict;
    it is withheld where neither should be trusted, and of heads under 14 weeks.
    """
    anatomy = analysis.anatomy
    if anatomy is not None and (anatomy.head is None or is_early(anatomy)):
        return Verdict(
            NO_VERDICT if anatomy.head is None else TOO_SMALL,
            f"{why_not_measured(anatomy)} The classifier's answer "
            f"({percent(analysis.prediction.probability)} for ventriculomegaly) means nothing.",
            "withheld",
        )
    opinion = classifier_opinion(analysis.prediction)
    if anatomy is None:
        return opinion
    if anatomy.atrium is None:
        return _unmeasured(opinion)
    measured = f"Atrial width {width_words(anatomy.atrium)}"
    width = shown_mm(anatomy.atrium)
    if width is None:
        why = f"{measured}; {why_no_mm(anatomy)}, so there are no millimetres."
        return Verdict(opinion.headline, f"{why} {opinion.sentence}", opinion.tone)
    if anatomy.atrium.millimetres_from in _BY:
        measured += f" by {_BY[anatomy.atrium.millimetres_from]}"
    if holds_limit(anatomy.atrium):
        return Verdict(
            f"{measured}: borderline",
            f"10 mm lies within the measurement's 95% interval. {opinion.sentence} {_BY_HAND}",
            "withheld",
        )
    return measured_verdict(measured, width, opinion, grades)


def _unmeasured(opinion: Verdict) -> Verdict:
    """The classifier's opinion, where no width stands beside it."""
    if opinion.tone == "withheld":
        return opinion
    return Verdict(
        opinion.headline + _NOT_MEASURED,
        f"No atrium was measured: this is the classifier's opinion alone. {opinion.sentence}",
        opinion.tone,
    )


def measured_verdict(measured: str, width_mm: float, opinion: Verdict, grades: Grades) -> Verdict:
    """A width that is clearly on one side of 10 mm, and what the classifier says to it."""
    headline, wide = f"{measured}: {grade(width_mm, grades)}", width_mm >= WIDE_MM
    if opinion.tone == "withheld":
        return Verdict(headline, f"The classifier has no opinion. {opinion.sentence}", "withheld")
    if wide != (opinion.tone == "ventriculomegaly"):
        side = "10 mm or more" if wide else "below 10 mm"
        return Verdict(
            "Look again",
            f"{measured} is {side}, but the classifier says otherwise. {opinion.sentence} {_BY_HAND}",
            "withheld",
        )
    return Verdict(headline, f"The classifier agrees. {opinion.sentence}", opinion.tone)


def classifier_opinion(prediction: Prediction) -> Verdict:
    """Put a prediction into words; withheld where the model should not be trusted."""
    sure, line = told_apart(prediction.probability, prediction.threshold)
    if prediction.in_domain is False:
        return Verdict(
            NO_VERDICT,
            "This image is unlike those that the model learnt from, so its answer "
            f"({sure} for ventriculomegaly) means nothing here. "
            "Is it a transventricular view of the fetal head?",
            "withheld",
        )
    if prediction.folds_disagree:
        return Verdict(
            "Undecided",
            f"The model's {len(prediction.fold_probabilities)} folds contradict each other "
            f"(mean {sure} for ventriculomegaly, threshold {line}).",
            "withheld",
        )
    if prediction.label == "ventriculomegaly":
        return Verdict(
            "Ventriculomegaly suspected",
            f"The model gives ventriculomegaly {sure}; from {line} it calls it suspected.",
            "ventriculomegaly",
        )
    return Verdict(
        "No sign of ventriculomegaly",
        f"The model gives ventriculomegaly {sure}; from {line} it would call it suspected.",
        "normal",
    )
