"""The verdict and its cautions in a sonographer's words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vmcore.inference import Analysis, Prediction
from vmcore.reporting.figures import percent
from vmcore.reporting.measurement import WIDE_MM, Grades, grade, why_not_measured, width_words

HEATMAP_WORDS = {
    "eigen-cam": (
        "The heatmap is Eigen-CAM, the mean of the folds: how strongly each patch, as the last "
        "attention takes it in, follows the direction in which the picture's patches differ most. It "
        "shows what stands out to the network, whichever way it decides; it proves nothing."
    ),
    "others": (
        "The heatmap shows which patches would change the logit of ventriculomegaly, by gradients at "
        "what the last attention takes in, the mean of the folds; it proves nothing."
    ),
}
"""What a heatmap is, by method, for the page that shows it."""


Tone = Literal["normal", "ventriculomegaly", "withheld"]
_NO_VERDICT = "No verdict"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A headline, one sentence that explains it, and its tone."""

    headline: str
    sentence: str
    tone: Tone


def verdict(analysis: Analysis, grades: Grades = "isuog") -> Verdict:
    """Put an analysis into words: what was measured first, the classifier's opinion beside it.

    Where both contradict each other, that is the verdict; it is withheld where neither should be
    trusted.
    """
    opinion = classifier_opinion(analysis.prediction)
    atrium = analysis.anatomy.atrium if analysis.anatomy else None
    if opinion.headline == _NO_VERDICT or atrium is None:
        return opinion
    measured = f"Atrial width {width_words(atrium)}"
    if atrium.width_mm is None:
        return Verdict(
            opinion.headline,
            f"{measured}; the file gives no pixel size, so there are no millimetres. "
            f"{opinion.sentence}",
            opinion.tone,
        )
    wide = atrium.width_mm >= WIDE_MM
    by_age = " by gestational age" if atrium.millimetres_from == "gestational age" else ""
    headline = f"{measured}{by_age}: {grade(atrium.width_mm, grades)}"
    if opinion.tone == "withheld":
        tone: Tone = "ventriculomegaly" if wide else "normal"
        return Verdict(headline, f"The classifier is undecided. {opinion.sentence}", tone)
    if wide != (opinion.tone == "ventriculomegaly"):
        side = "10 mm or more" if wide else "below 10 mm"
        return Verdict(
            "Look again",
            f"{measured} is {side}, but the classifier says otherwise. {opinion.sentence} "
            "Measure it by hand.",
            "withheld",
        )
    return Verdict(headline, f"The classifier agrees. {opinion.sentence}", opinion.tone)


def classifier_opinion(prediction: Prediction) -> Verdict:
    """Put a prediction into words; withheld where the model should not be trusted."""
    sure = percent(prediction.probability)
    line = percent(prediction.threshold)
    if prediction.in_domain is False:
        return Verdict(
            _NO_VERDICT,
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
            f"The model gives ventriculomegaly {sure}; from {line} it calls it suspected. "
            "Measure the atrium: 10 mm or wider is ventriculomegaly.",
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
    if analysis.scan.spacing_mm is None:
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
        )
    return "The file does not say how large its pixels are, so nothing can be measured in mm."
