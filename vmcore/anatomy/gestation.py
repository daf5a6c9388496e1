"""Millimetres from the gestational age, where a file does not give its pixels' size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from vmcore.anatomy.result import Anatomy, AtriumCalliper

FIRST_WEEK, LAST_WEEK = 14.0, 40.0


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


def by_gestational_age(anatomy: Anatomy, weeks: float) -> Anatomy:
    """The same anatomy with the atrium's millimetres from the head's expected size.

    The spread of heads of that age joins the uncertainty of the millimetres. What has millimetres from its file
    stays as it is.

    Raises:
        ValueError: an age out of range.
    """
    mean, deviation = expected_biparietal_mm(weeks)
    atrium = anatomy.atrium
    if atrium is None or atrium.width_mm is not None:
        return anatomy
    told: AtriumCalliper = replace(
        atrium,
        width_mm=atrium.head_share * mean,
        millimetres_from="gestational age",
        head_size_deviation=deviation / mean,
    )
    return replace(anatomy, atrium=told)
