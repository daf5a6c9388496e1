"""What to bear in mind with an answer, in a sonographer's words."""

from __future__ import annotations

from vmcore.anatomy import Anatomy, RulerScale, weeks_of_biparietal
from vmcore.inference import Analysis
from vmcore.reporting.figures import percent
from vmcore.reporting.measurement import why_not_measured

_UNREAD = {
    "ticks": "A ruler was seen at its edge, but not what its ticks stand for.",
    "head": "A ruler was seen at its edge, but by it the head would be smaller than at 14 weeks, or impossibly large.",
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


def caution(analysis: Analysis) -> tuple[str, ...]:
    """What to bear in mind with this image, in plain words."""
    said = []
    if analysis.prediction.folds_disagree:
        low, high = (
            float(analysis.prediction.fold_probabilities.min()),
            float(analysis.prediction.fold_probabilities.max()),
        )
        said.append(f"The folds disagree: they range from {percent(low)} to {percent(high)}.")
    if analysis.prediction.in_domain is False:
        said.append(
            "Out of distribution: another organ, another plane or a photograph gets a number too, "
            "but not a meaningful one."
        )
    if analysis.prediction.in_domain is None:
        said.append("This model cannot tell whether it knows such images.")
    if analysis.anatomy is not None and analysis.anatomy.atrium is None:
        said.append(why_not_measured(analysis.anatomy))
    doubtful = analysis.anatomy is not None and analysis.anatomy.scale_doubtful
    if doubtful:
        said.append(
            "By the pixel size that the file gives, the head would be impossibly small or large; it is not used."
        )
    if analysis.anatomy and analysis.anatomy.head and not analysis.anatomy.head.is_whole:
        said.append(
            "Part of the head lies outside of the cleaned picture; there its outline, and what is measured "
            f"by it, is a guess.{_cut_off(analysis)}"
        )
    if analysis.anatomy and analysis.anatomy.atrium and analysis.anatomy.atrium.side == "near":
        said.append(
            "The calliper lies in the half of the head that is near to the probe; the far one is usually "
            "measured."
        )
    nothing_to_measure = analysis.anatomy is not None and analysis.anatomy.head is None
    early = analysis.anatomy is not None and analysis.anatomy.told_early
    unknown = analysis.scan.spacing_mm is None or (doubtful and _by_age(analysis))
    if unknown and not nothing_to_measure and not early:
        said.append(_no_spacing(analysis))
    if analysis.clean.removed("text"):
        said.append(
            "Burned-in text was found and removed. Text can name a person: look at the cleaned "
            "picture before you share it."
        )
    if analysis.clean.removed("colour"):
        said.append("Much of the frame is coloured (Doppler?); the model learnt from grey scans.")
    return tuple(said)


def _cut_off(analysis: Analysis) -> str:
    if analysis.clean.offset[0] == 0 or analysis.scan.region is not None:
        return ""
    return " The strip that was cut off at the top, where names stand, may have taken it."


def _no_spacing(analysis: Analysis) -> str:
    if _by_age(analysis):
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
        "The file does not say how large its pixels are: millimetres need the gestational age, or a known "
        "distance that is set by hand. Nothing here tells whether it is a head under 14 weeks, of which no "
        "answer means anything." + unread
    )


def _by_age(analysis: Analysis) -> bool:
    atrium = analysis.anatomy.atrium if analysis.anatomy else None
    return atrium is not None and atrium.millimetres_from == "gestational age"


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
