"""Millimetres from the gestational age, where a file does not give its pixels' size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from vmcore.anatomy.result import Anatomy, AtriumCalliper, Head, RulerScale

FIRST_WEEK, LAST_WEEK = 14.0, 40.0
_SMALLEST_MM, _LARGEST_MM = 12.0, 130.0  # biparietal diameters between which a scale is believed
_MISREAD = 5.0  # standard deviations from a head of that age: twice or half the size is over ten


def expected_biparietal_mm(weeks: float) -> tuple[float, float]:
    """Mean and standard deviation of the biparietal diameter, outer to outer, in mm.

    The INTERGROWTH-21st standard (Papageorghiou et al. 2014).

    Args:
        weeks: gestational age, 14 to 40.

    Raises:
        ValueError: an age out of that range.
    """
    if not FIRST_WEEK <= weeks <= LAST_WEEK:
        raise ValueError(f"The gestational age must be 14 to 40 weeks, not {weeks}.")
    cube, log = weeks**3, np.log(weeks)
    mean = 5.60878 + 0.158369 * weeks**2 - 0.00256379 * cube
    deviation = np.exp(
        0.101242 + 0.00150557 * cube - 0.000771535 * cube * log + 0.0000999638 * cube * log**2
    )
    return float(mean), float(deviation)


def weeks_of_biparietal(millimetres: float) -> float:
    """The gestational age, 14 to 40 weeks, at which a biparietal diameter is the mean."""
    weeks = np.linspace(FIRST_WEEK, LAST_WEEK, 27)
    return float(np.interp(millimetres, [expected_biparietal_mm(week)[0] for week in weeks], weeks))


def under_14_weeks(head: Head | None) -> bool:
    """Whether a head is smaller than nearly all heads of 14 weeks: more than two standard deviations.

    Earlier the ventricles fill most of the head, and 10 mm is no limit. False without a size in mm, and for
    a head that leaves the picture: its size is a guess.
    """
    if head is None or head.biparietal_diameter_mm is None or not head.is_whole:
        return False
    mean, deviation = expected_biparietal_mm(FIRST_WEEK)
    return head.biparietal_diameter_mm < mean - 2 * deviation


def is_believable(biparietal_mm: float) -> bool:
    """Whether a head can be so wide; else the scale is wrong that says so."""
    return _SMALLEST_MM <= biparietal_mm <= _LARGEST_MM


def is_early(anatomy: Anatomy | None) -> bool:
    """Whether a fetus is under 14 weeks, by its head's size or by what a person told."""
    return anatomy is not None and (anatomy.told_early or under_14_weeks(anatomy.head))


def by_gestational_age(anatomy: Anatomy, weeks: float) -> Anatomy:
    """The same anatomy with the atrium's millimetres from the head's expected size.

    The spread of heads of that age joins the uncertainty of the millimetres. What has millimetres from
    its file stays as it is, and so does what has them from a ruler, unless its head would be more than
    five standard deviations from that age's: then the ruler was misread. Under 14 weeks nothing is
    measured.

    Raises:
        ValueError: an age over 40 weeks, or none.
    """
    if 0 < weeks < FIRST_WEEK:
        return replace(anatomy, atrium=None, told_early=True)
    mean, deviation = expected_biparietal_mm(weeks)
    atrium, head, ruler = anatomy.atrium, anatomy.head, anatomy.ruler
    if ruler is not None and ruler.spacing_mm is not None and head is not None:
        off = abs((head.biparietal_diameter_mm or mean) - mean)
        if off <= _MISREAD * deviation:
            return anatomy
        head = replace(head, circumference_mm=None, biparietal_diameter_mm=None)
        ruler = RulerScale(None, None, ruler.both_directions, "gestational age")
        anatomy = replace(anatomy, head=head, ruler=ruler)
    elif atrium is not None and atrium.width_mm is not None:
        return anatomy
    if atrium is None:
        return anatomy
    told: AtriumCalliper = replace(
        atrium,
        width_mm=atrium.head_share * mean,
        millimetres_from="gestational age",
        scale_deviation=deviation / mean,
    )
    return replace(anatomy, atrium=told)
