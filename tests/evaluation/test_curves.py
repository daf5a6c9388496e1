"""Curves against scikit-learn, subgroups against plain counting."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from tests.evaluation.support import cases_of, table_of
from vmcore.evaluation import (
    fold_table,
    interval_rows,
    pr_band,
    read_predictions,
    roc_band,
    severity,
    subgroup_rows,
)


@pytest.mark.parametrize("split", ["validation", "test"])
def test_each_folds_area_and_their_mean_are_scikit_learns(split: str) -> None:
    cases = cases_of(split)
    for band, area in (
        (roc_band(cases), metrics.roc_auc_score),
        (pr_band(cases), metrics.average_precision_score),
    ):
        areas = []
        for place, curve in enumerate(band.folds):
            judged = ~np.isnan(cases.by_fold[:, place])
            areas.append(area(cases.labels[judged], cases.by_fold[judged, place]))
            assert curve.area == pytest.approx(areas[-1])
        assert band.area == pytest.approx(np.mean(areas))
        assert band.area_spread == pytest.approx(np.std(areas, ddof=1))


def test_the_mean_curve_has_the_mean_area() -> None:
    band = roc_band(cases_of(count=600))
    assert np.trapezoid(band.mean, band.x) == pytest.approx(band.area, abs=0.01)
    assert (np.diff(band.mean) >= -1e-12).all()


def test_a_long_curve_is_thinned_without_losing_its_ends() -> None:
    curve = roc_band(cases_of(count=4000, folds=1)).folds[0]
    assert len(curve.x) <= 400
    assert (curve.x[0], curve.y[0], curve.x[-1], curve.y[-1]) == (0, 0, 1, 1)


def test_one_class_only_leaves_no_curve() -> None:
    table = table_of(count=20)
    table["label"] = 0
    band = roc_band(read_predictions(table).cases("test"))
    assert band.folds == ()
    assert np.isnan(band.area)


def test_the_fold_table_has_what_is_asked_for() -> None:
    rows = fold_table(table_of(count=40), 0.5, ("recall", "mcc"))
    assert [row["fold"] for row in rows] == ["1", "2", "3", "4", "5", "mean", "SD"]
    assert set(rows[0]) == {"fold", "images", "recall", "mcc"}


def test_a_fold_without_a_figure_is_left_out_of_its_mean_in_every_table() -> None:
    table = table_of(count=60)
    validated = table[table["split"] == "validation"]
    without = validated[(validated["fold"] != 1) | (validated["label"] == 0)]
    rows = {row["fold"]: row for row in fold_table(without, 0.5, ("recall",))}
    assert rows["1"]["recall"] is None
    own = [rows[str(fold)]["recall"] for fold in range(2, 6)]
    assert rows["mean"]["recall"] == pytest.approx(np.mean(own), abs=1e-4)
    assert rows["SD"]["recall"] == pytest.approx(np.std(own, ddof=1), abs=1e-4)
    cases = read_predictions(without).cases("validation")
    (told,) = [row for row in interval_rows(cases, 0.5) if row["figure"] == "recall"]
    assert told["mean over folds"] == rows["mean"]["recall"]


@pytest.mark.parametrize(
    ("width", "word"),
    [(9.99, "under 10"), (10.0, "mild"), (12.0, "mild"), (12.01, "moderate"), (14.99, "moderate"),
     (15.0, "severe"), (31.0, "severe")],
)  # fmt: skip
def test_severity_follows_isuog(width: float, word: str) -> None:
    assert word in severity(width)


def test_subgroups_are_counted_where_the_manifest_knows_them() -> None:
    table = table_of(count=60, folds=2)
    number = table["image"].str[1:].astype(int)
    table["device"] = np.where(number % 2, "E10", "V730")
    table["gestational_age_weeks"] = 18 + number % 7
    table["atrial_width_mm"] = np.where(table["label"] == 1, 11.0 + number % 6, 7.0)
    table["site"] = "one"
    cases = read_predictions(table).cases("test")
    rows = subgroup_rows(cases, 0.5)
    assert {row["grouped by"] for row in rows} == {"device", "gestational age", "atrial width"}
    ten = next(row for row in rows if row["group"] == "E10")
    inside = (cases.known["device"] == "E10").to_numpy()
    assert ten["normal"] == int((cases.labels[inside] == 0).sum())
    right = (cases.probability[inside & (cases.labels == 1)] >= 0.5).mean()
    assert ten["recall"].startswith(f"{right:.3f} (")
    normal = next(row for row in rows if row["group"] == "under 10 mm")
    assert normal["recall"] is None
    words = [row["group"] for row in rows if row["grouped by"] == "gestational age"]
    assert words == ["18 to 19 weeks", "20 to 21 weeks", "22 to 23 weeks", "24 weeks on"]
