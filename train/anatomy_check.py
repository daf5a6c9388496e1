"""Measure an anatomy network against outlines that it has not seen, and say how well it does."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd

from vmcore.anatomy import HeadEllipse, Limits, find_anatomy
from vmcore.anatomy.finding import Forward
from vmcore.evaluation.intervals import Interval, bca_intervals, wilson
from vmcore.reporting.measurement import WIDE_MM
from vmcore.training.outlined import OutlinedPicture

EVERYTHING = Limits(atrium=0.0, uncertainty=10.0, visible=0.0)
"""Nothing is withheld: limits are chosen on what comes out."""
_GROWN_MM = 150  # head circumference from which an atrium can be expected to be seen
_CLOSE = 0.1  # of the head's short axis: an atrium found no farther away is the right one


def measured(forward: Forward, pictures: Sequence[OutlinedPicture], fold: int) -> pd.DataFrame:
    """One row a picture: what was found, and how far it is from what is known.

    Lengths are in mm where the picture's spacing is known; shares are of the head's short axis.
    """
    return pd.DataFrame([_row(forward, picture, fold) for picture in pictures])


def _row(forward: Forward, picture: OutlinedPicture, fold: int) -> dict[str, object]:
    mm = picture.spacing_mm
    found = find_anatomy(
        forward, picture.grey, spacing_mm=(mm, mm) if mm else None, limits=EVERYTHING
    )
    row: dict[str, object] = {
        "source": picture.source,
        "subject_id": picture.subject_id,
        "fold": fold,
        "head": found.head is not None,
        "ventricle_visible": found.plane.ventricle,
        "said_visible": picture.visible[0],
    }
    if found.head is not None:
        row["circumference_mm"] = found.head.circumference_mm
        row["biparietal_mm"] = found.head.biparietal_diameter_mm
    if picture.head is not None:
        row["true_circumference_mm"] = picture.head.circumference * mm if mm else None
        ellipse = found.head.ellipse if found.head else None
        row["dice"] = _dice(picture.head, ellipse, picture.grey.shape)
    if found.atrium is not None and found.head is not None:
        row |= {
            "probability": found.atrium.probability,
            "share": found.atrium.head_share,
            "expected": found.atrium.uncertainty,
            "width_mm": found.atrium.width_mm,
            "side": found.atrium.side,
        }
        if picture.ventricle is not None:
            short = (picture.head or found.head.ellipse).biparietal_diameter
            middle = (np.array(found.atrium.start) + found.atrium.end) / 2
            truth = picture.ventricle.mean(0)[::-1]
            width = float(np.hypot(*(picture.ventricle[1] - picture.ventricle[0])))
            row["distance"] = float(np.hypot(*(middle - truth))) / short
            row["true_share"] = width / short
            row["true_width_mm"] = width * mm if mm else None
    return row


def _dice(truth: HeadEllipse, found: HeadEllipse | None, shape: tuple[int, ...]) -> float:
    if found is None:
        return 0.0
    one, other = (_filled(ellipse, shape) for ellipse in (truth, found))
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def _filled(ellipse: HeadEllipse, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.round(ellipse.outline() * 16).astype(np.int32)], 1, shift=4)
    return mask > 0


def choose_limits(table: pd.DataFrame) -> Limits:
    """Limits from rows of outlined heads, measured out of fold.

    The standard deviation that is told is the network's expected error times what makes 68 of 100
    errors lie within it; a measurement is withheld where it would be over 0.03 of the head, and an
    atrium where its probability is below that of 98 of 100 right ones.
    """
    right = table[(table["distance"] < _CLOSE) & table["true_share"].notna()]
    error = (right["share"] - right["true_share"]).abs()
    spread = float((error / right["expected"]).quantile(0.683))
    return Limits(
        atrium=round(float(right["probability"].quantile(0.02)), 4),
        visible=round(float(right["ventricle_visible"].quantile(0.02)), 4),
        spread=round(spread, 4),
    )


def figures(table: pd.DataFrame, limits: Limits) -> list[dict[str, str]]:
    """What the card says, one row a set and figure, with its 95 % interval by subject."""
    kept = accepted(table, limits)
    said: list[dict[str, str]] = []
    for source, rows in table.groupby("source"):
        one = {"pictures": str(len(rows)), "subjects": str(rows["subject_id"].nunique())}
        one["head found"] = str(wilson(int(rows["head"].sum()), len(rows)))
        measured_here = kept.loc[rows.index]
        one["atrium measured"] = str(wilson(int(measured_here.sum()), len(rows)))
        if "dice" in rows and rows["dice"].notna().any():
            one["head's Dice"] = str(_mean(rows, rows["dice"]))
        if rows["true_circumference_mm"].notna().any():
            error = (rows["circumference_mm"] - rows["true_circumference_mm"]).abs()
            one["head circumference, mean absolute error in mm"] = str(_mean(rows, error))
            one |= _normal_heads(rows[measured_here])
        right = rows[measured_here & rows["true_share"].notna()]
        if len(right):
            one |= _atrium_figures(rows, right, limits)
        said += [
            {"set": str(source), "figure": name, "value": value} for name, value in one.items()
        ]
    return said


def _normal_heads(rows: pd.DataFrame) -> dict[str, str]:
    """Of normal heads in which an atrium was measured, how many were called wide."""
    grown = rows[(rows["true_circumference_mm"] > _GROWN_MM) & (rows["width_mm"] > 0)]
    wide = int((grown["width_mm"] >= WIDE_MM).sum())
    return {f"over {_GROWN_MM} mm circumference, 10 mm or wider": str(wilson(wide, len(grown)))}


def _atrium_figures(rows: pd.DataFrame, right: pd.DataFrame, limits: Limits) -> dict[str, str]:
    close = rows["distance"] < _CLOSE
    error = right["share"] - right["true_share"]
    deviation = limits.spread * right["expected"]
    said = {
        "centre within a tenth of the short axis": str(wilson(int(close.sum()), len(rows))),
        "distance of its centre, share of the short axis": str(_mean(right, right["distance"])),
        "width, mean absolute error as a share of the short axis": str(_mean(right, error.abs())),
        "width, mean error as a share of the short axis": str(_mean(right, error)),
        "errors within one standard deviation": str(
            wilson(int((error.abs() <= deviation).sum()), len(right))
        ),
        "errors within two": str(wilson(int((error.abs() <= 2 * deviation).sum()), len(right))),
    }
    if right["true_width_mm"].notna().all():
        said["width, mean absolute error in mm"] = str(
            _mean(right, (right["width_mm"] - right["true_width_mm"]).abs())
        )
    return said


def accepted(table: pd.DataFrame, limits: Limits) -> pd.Series:
    """Which rows have a measurement that is not withheld."""
    return (
        table["head"]
        & (table["probability"] >= limits.atrium)
        & (table["ventricle_visible"] >= limits.visible)
        & (limits.spread * table["expected"] <= limits.uncertainty)
    )


def _mean(rows: pd.DataFrame, values: pd.Series) -> Interval:
    """The mean of known values with its bootstrap interval by subject."""
    known = values.notna()
    subjects, numbers = np.unique(rows["subject_id"][known], return_inverse=True)
    sums = np.bincount(numbers, values[known].to_numpy(float))
    counts = np.bincount(numbers)
    (interval,) = bca_intervals(
        lambda weights: ((weights @ sums) / (weights @ counts))[:, None], len(subjects)
    )
    return interval
