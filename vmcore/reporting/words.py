"""The verdict and its cautions in a sonographer's words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vmcore.anatomy import WIDE_MM, Anatomy, Grades, RulerScale, grade, weeks_of_biparietal
from vmcore.inference import Analysis, Prediction
from vmcore.reporting.figures import percent, told_apart
from vmcore.reporting.measurement import holds_limit, shown_mm, why_not_measured, width_words

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
NO_VERDICT = "No verdict"
_BY_HAND = "Measure it by hand."
_UNREAD = {
    "ticks": "A ruler was seen at its edge, but not what its ticks stand for.",
    "head": "A ruler was seen at its edge, but by it the head would be impossibly small or large.",
    "shape": (
        "A ruler was seen at its edge, but the head's shape says that the picture was squeezed or "
        "stretched; then its share of the head is wrong too."
    ),
    "contradiction": "Two rulers at its edges contradict each other.",
    "columns only": "A ruler was seen below or above, but none at the side.",
    "gestational age": (
        "The ruler at its edge does not fit the gestational age that you told, so it is not used."
    ),
}
_BY = {"ruler": "the ruler", "gestational age": "gestational age"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """A headline, one sentence that explains it, and its tone."""

    headline: str
    sentence: str
    tone: Tone


def verdict(analysis: Analysis, grades: Grades = "isuog") -> Verdict:
    """Put an analysis into words: what was measured first, the classifier's opinion beside it.

    Where both contradict each other, or the width's 95 % interval holds 10 mm, that is the verdict;
    it is withheld where neither should be trusted.
    """
    opinion = classifier_opinion(analysis.prediction)
    anatomy = analysis.anatomy
    if anatomy is not None and anatomy.head is None:
        return Verdict(
            NO_VERDICT,
            "No fetal head was found in this picture, so nothing was measured, and the classifier's "
            f"answer ({percent(analysis.prediction.probability)} for ventriculomegaly) means nothing.",
            "withheld",
        )
    if anatomy is None:
        return opinion
    if anatomy.atrium is None:
        return _unmeasured(opinion)
    measured = f"Atrial width {width_words(anatomy.atrium)}"
    width = shown_mm(anatomy.atrium)
    if width is None:
        why = f"{measured}; the file gives no pixel size, so there are no millimetres."
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
        f"{opinion.headline} (not measured)",
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


def caution(analysis: Analysis) -> tuple[str, ...]:
    """What to bear in mind with this image, in plain words."""
    said = []
    if analysis.prediction.folds_disagree:
        low, high = (
            analysis.prediction.fold_probabilities.min(),
            analysis.prediction.fold_probabilities.max(),
        )
        said.append(f"The folds disagree: they range from {low:.0%} to {high:.0%}.")
    if analysis.prediction.in_domain is False:
        said.append(
            "Out of distribution: another organ, another plane or a photograph gets a number too, "
            "but not a meaningful one."
        )
    if analysis.prediction.in_domain is None:
        said.append("This model cannot tell whether it knows such images.")
    if analysis.anatomy is not None and analysis.anatomy.atrium is None:
        said.append(why_not_measured(analysis.anatomy))
    if analysis.anatomy is not None and analysis.anatomy.scale_doubtful:
        said.append(
            "By the pixel size that the file gives, the head would be impossibly small or large; nothing is "
            "told in mm."
        )
    if analysis.anatomy and analysis.anatomy.atrium and analysis.anatomy.atrium.side == "near":
        said.append(
            "The calliper lies in the half of the head that is near to the probe; the far one is usually "
            "measured."
        )
    nothing_to_measure = analysis.anatomy is not None and analysis.anatomy.head is None
    if analysis.scan.spacing_mm is None and not nothing_to_measure:
        said.append(_no_spacing(analysis))
    if analysis.clean.removed("text"):
        said.append(
            "Burned-in text was found and removed. Text can name a person: look at the cleaned "
            "picture before you share it."
        )
    if analysis.clean.removed("colour"):
        said.append("Much of the frame is coloured (Doppler?); the model learnt from grey scans.")
    return tuple(said)


def _no_spacing(analysis: Analysis) -> str:
    atrium = analysis.anatomy.atrium if analysis.anatomy else None
    if atrium is not None and atrium.millimetres_from == "gestational age":
        return (
            "The millimetres come from the size that a head of this gestational age is expected to have, "
            "not from the file: on a head that is small or large for its age they are wrong."
            + _misread(analysis)
        )
    unread = ""
    anatomy = analysis.anatomy
    if anatomy is not None and anatomy.ruler is not None:
        if anatomy.ruler.tick_mm is not None:
            return _by_ruler(anatomy, anatomy.ruler)
        unread = f" {_UNREAD[anatomy.ruler.trouble or 'ticks']}"
    return (
        "The file does not say how large its pixels are, so nothing can be measured in mm." + unread
    )


def _misread(analysis: Analysis) -> str:
    ruler = analysis.anatomy.ruler if analysis.anatomy else None
    if ruler is None or ruler.trouble != "gestational age":
        return ""
    return f" {_UNREAD['gestational age']}"


def _by_ruler(anatomy: Anatomy, ruler: RulerScale) -> str:
    """Where the millimetres come from, and by what a person sees that they are wrong."""
    square = "" if ruler.both_directions else " and pixels as square"
    diameter = anatomy.head.biparietal_diameter_mm if anatomy.head else None
    said = (
        f"The millimetres come from the ruler at the picture's edge, its ticks taken as {ruler.tick_mm:g} "
        f"mm apart{square}."
    )
    if diameter is None:
        return said
    return (
        f"{said} By it the head is {diameter:.0f} mm wide, as at about "
        f"{weeks_of_biparietal(diameter):.0f} weeks: if that does not fit, the width is wrong too."
    )
