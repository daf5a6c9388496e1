"""Measure an anatomy network against outlines that it has not seen, and say how well it does."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd

from train.anatomy_split import OUTLINED
from vmcore.anatomy import WIDE_MM, HeadEllipse, Limits, find_anatomy
from vmcore.anatomy.finding import Forward
from vmcore.evaluation.intervals import Interval, bca_intervals, wilson
from vmcore.training.outlined import OutlinedPicture

EVERYTHING = Limits(atrium=0.0, uncertainty=10.0, visible=0.0)
"""Nothing is withheld: limits are chosen on what comes out."""
_GROWN_MM = 150  # head circumference from which an atrium can be expected to be seen
_EARLY_MM, _LATE_MM = (
    100,
    200,
)  # head circumferences of the first trimester and from the late second on
CLOSE = 0.1  # of the head's short axis: an atrium found no farther away is the right one


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
    right = table[(table["distance"] < CLOSE) & table["true_share"].notna()]
    error = (right["share"] - right["true_share"]).abs()
    spread = float((error / right["expected"]).quantile(0.683))
    return Limits(
        atrium=round(float(right["probability"].quantile(0.02)), 4),
        visible=round(float(right["ventricle_visible"].quantile(0.02)), 4),
        spread=round(spread, 4),
    )


def judged(table: pd.DataFrame) -> pd.DataFrame:
    """Add whether a measurement is told ("told") and its standard deviation ("deviation").

    Outlined heads are judged with limits chosen on the other folds, everything else with limits
    chosen on all outlined heads.
    """
    outlined = table[table["source"] == OUTLINED]
    parts = [_judged(table[table["source"] != OUTLINED], choose_limits(outlined))]
    for fold in outlined["fold"].unique():
        limits = choose_limits(outlined[outlined["fold"] != fold])
        parts.append(_judged(outlined[outlined["fold"] == fold], limits))
    return pd.concat(parts)


def _judged(rows: pd.DataFrame, limits: Limits) -> pd.DataFrame:
    deviation = np.hypot(limits.floor, limits.spread * rows["expected"])
    told = (
        rows["head"]
        & (rows["probability"] >= limits.atrium)
        & (rows["ventricle_visible"] >= limits.visible)
        & (deviation <= limits.uncertainty)
    )
    return rows.assign(deviation=deviation, told=told)


def figures(table: pd.DataFrame) -> list[dict[str, str]]:
    """What the card says, one row a set and figure: proportions of pictures, means by subject."""
    said: list[dict[str, str]] = []
    for source, rows in judged(table).groupby("source"):
        one = {"pictures": str(len(rows)), "subjects": str(rows["subject_id"].nunique())}
        one["head found"] = _share(rows["head"])
        one["width told"] = _share(rows["told"])
        if source == "brain-planes":
            for visible in (True, False):
                name = f"width told where people say ventricle {'' if visible else 'not '}visible"
                one[name] = _share(rows["told"][rows["said_visible"].astype(bool) == visible])
        if rows["dice"].notna().any():
            one["head's Dice, 0 where none was found"] = str(mean_by_subject(rows, rows["dice"]))
        if rows["true_circumference_mm"].notna().any():
            error = (rows["circumference_mm"] - rows["true_circumference_mm"]).abs()
            one["head circumference, mean absolute error in mm, where it is told"] = str(
                mean_by_subject(rows, error)
            )
        if source == "hc18":
            one |= _circumference_errors(rows)
            one |= _assumed_normal(rows[rows["told"]])
        if rows["true_share"].notna().any():
            one |= _atrium_figures(rows)
        said += [
            {"set": str(source), "figure": name, "value": value} for name, value in one.items()
        ]
    return said


def _circumference_errors(rows: pd.DataFrame) -> dict[str, str]:
    """Whether heads are found too large or too small, by their size."""
    true = rows["true_circumference_mm"]
    error = rows["circumference_mm"] - true
    groups = {
        f"under {_EARLY_MM} mm": true < _EARLY_MM,
        f"of {_EARLY_MM} to {_LATE_MM} mm": true.between(_EARLY_MM, _LATE_MM),
        f"over {_LATE_MM} mm": true > _LATE_MM,
    }
    return {
        f"head circumference {words}: mean error in mm, where it is told": str(
            mean_by_subject(rows[chosen], error[chosen])
        )
        for words, chosen in groups.items()
    }


def _assumed_normal(rows: pd.DataFrame) -> dict[str, str]:
    """Of HC18's heads, assumed normal, in which a width is told, how many would be called wide."""
    grown = rows[rows["true_circumference_mm"] > _GROWN_MM]
    title = f"assumed normal, circumference over {_GROWN_MM} mm: told as 10 mm or wider"
    return {title: _share(grown["width_mm"] >= WIDE_MM)}


def _atrium_figures(rows: pd.DataFrame) -> dict[str, str]:
    told = rows[rows["told"] & rows["true_share"].notna()]
    error = told["share"] - told["true_share"]
    said = {
        "centre within a tenth of the short axis, of all": _share(rows["distance"] < CLOSE),
        "told, but its centre is farther away": _share(told["distance"] >= CLOSE),
        "distance of the centre, share of the short axis, of all found": str(
            mean_by_subject(rows, rows["distance"])
        ),
        "width, mean absolute error as a share of the short axis, of all found": str(
            mean_by_subject(rows, (rows["share"] - rows["true_share"]).abs())
        ),
        f"the same, of the {len(told)} told": str(mean_by_subject(told, error.abs())),
        "width, mean error as a share of the short axis, of those told": str(
            mean_by_subject(told, error)
        ),
        "errors within one standard deviation, of those told": _share(
            error.abs() <= told["deviation"]
        ),
        "errors within two": _share(error.abs() <= 2 * told["deviation"]),
    }
    if told["true_width_mm"].notna().all():
        said["width, mean absolute error in mm, of those told"] = str(
            mean_by_subject(told, (told["width_mm"] - told["true_width_mm"]).abs())
        )
    return said


def _share(which: pd.Series) -> str:
    """A proportion with Wilson's interval, and of how many."""
    return f"{wilson(int(which.sum()), len(which))} of {len(which)}"


def mean_by_subject(rows: pd.DataFrame, values: pd.Series) -> Interval:
    """The mean of known values with its bootstrap interval by subject."""
    known = values.notna()
    subjects, numbers = np.unique(rows["subject_id"][known], return_inverse=True)
    sums = np.bincount(numbers, values[known].to_numpy(float))
    counts = np.bincount(numbers)
    (interval,) = bca_intervals(
        lambda weights: ((weights @ sums) / (weights @ counts))[:, None], len(subjects)
    )
    return interval
