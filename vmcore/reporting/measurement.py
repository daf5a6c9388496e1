"""The atrium's width in words: how wide, how sure, which grade, and whether the classifier agrees."""

from __future__ import annotations

from vmcore.anatomy import WIDE_MM, Anatomy, AtriumCalliper, under_14_weeks
from vmcore.inference import Analysis

_NORMAL_95 = 1.96  # standard deviations on both sides that hold 95 of 100 errors


def shown_mm(atrium: AtriumCalliper) -> float | None:
    """The width as it is told and graded, in tenths of a millimetre; None without mm."""
    return None if atrium.width_mm is None else round(atrium.width_mm, 1)


def interval_mm(atrium: AtriumCalliper) -> tuple[float, float] | None:
    """Between which widths in mm it lies in 95 of 100 cases; None without mm."""
    deviation = atrium.uncertainty_mm
    if atrium.width_mm is None or deviation is None:
        return None
    reach = _NORMAL_95 * deviation
    return max(atrium.width_mm - reach, 0.0), atrium.width_mm + reach


def holds_limit(atrium: AtriumCalliper) -> bool:
    """Whether 10 mm lies within the interval, so that nobody can say whether it is dilated."""
    between = interval_mm(atrium)
    if between is None:
        return False
    low, high = (round(end, 1) for end in between)  # as they are told
    return low < WIDE_MM <= high


def interval(atrium: AtriumCalliper) -> tuple[float, float]:
    """Between which shares of the head's short axis the width lies in 95 of 100 cases."""
    reach = _NORMAL_95 * atrium.uncertainty
    return max(atrium.head_share - reach, 0.0), atrium.head_share + reach


def width_words(atrium: AtriumCalliper) -> str:
    """As in 11.4 mm (10.6 to 12.2), or in per cent of the head's short axis where there are no mm."""
    between = interval_mm(atrium)
    if between is not None:
        return f"{shown_mm(atrium):.1f} mm ({between[0]:.1f} to {between[1]:.1f})"
    low, high = (100 * share for share in interval(atrium))
    return f"{100 * atrium.head_share:.1f}% of the head's short axis ({low:.1f} to {high:.1f})"


def why_not_measured(anatomy: Anatomy) -> str:
    """Why there is no width, in a sentence."""
    if anatomy.head is None:
        return "No fetal head was found in this picture, so nothing was measured."
    if anatomy.told_early:
        return (
            "The pregnancy is said to be under 14 weeks: the ventricles fill most of a head then and 10 mm is no "
            "limit, so nothing was measured."
        )
    if under_14_weeks(anatomy.head):
        return (
            f"By the pixel size the head is {anatomy.head.biparietal_diameter_mm:.0f} mm wide, smaller than nearly "
            "all heads of 14 weeks; earlier the ventricles fill most of a head and 10 mm is no limit, so nothing "
            "was measured. If the pregnancy is further on, the pixel size is wrong."
        )
    return (
        "A head was found but no atrium that can be measured: the plane does not show it, or it is too "
        "uncertain where its walls are."
    )


def why_no_mm(anatomy: Anatomy) -> str:
    """Why a width has no millimetres, as a part of a sentence."""
    if anatomy.scale_doubtful:
        return "by the file's pixel size the head would be impossibly small or large"
    return "the file gives no pixel size"


def pixel_size_words(analysis: Analysis) -> str:
    """How large a pixel is, and whether a ruler said so."""
    ruler = analysis.anatomy.ruler if analysis.anatomy else None
    spacing, by = analysis.scan.spacing_mm, ""
    if spacing is None and ruler is not None:
        spacing, by = ruler.spacing_mm, " by the ruler"
    if spacing is None:
        return "pixel size unknown"
    return f"{spacing[0]:.3f} × {spacing[1]:.3f} mm per pixel{by}"


def head_words(anatomy: Anatomy) -> str | None:
    """Head circumference and biparietal diameter, where there is a head and mm are known."""
    head = anatomy.head
    if head is None or head.circumference_mm is None or head.biparietal_diameter_mm is None:
        return None
    return (
        f"Head circumference about {head.circumference_mm:.0f} mm, biparietal diameter "
        f"{head.biparietal_diameter_mm:.0f} mm (outer to outer), by the ellipse."
    )
