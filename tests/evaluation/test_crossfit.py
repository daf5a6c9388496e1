"""Fold figures at thresholds that the fold had no part in; decisions that survive being written."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.evaluation.support import table_of
from vmcore.evaluation import (
    ThresholdRule,
    apply_operating_point,
    binary_metrics,
    calibration_from_validation,
    choose_threshold,
    cross_fitted,
    cross_fitted_table,
    fit_calibration,
    fold_table,
    read_predictions,
    with_rule,
)
from vmcore.models import BundleCard


def validation(seed: int = 0, count: int = 150) -> pd.DataFrame:
    table = table_of(count=count, seed=seed)
    return table[table["split"] == "validation"]


@pytest.mark.parametrize("kind", ["youden", "sensitivity"])
def test_each_folds_threshold_is_the_rules_on_the_other_folds(kind: str) -> None:
    table, rule = validation(), ThresholdRule(kind, 0.9)  # type: ignore[arg-type]
    for fold, decision in cross_fitted(table, rule).items():
        rest = table[table["fold"] != fold]
        assert decision is not None
        assert decision.threshold == choose_threshold(rest["label"], rest["probability"], rule)


def test_a_folds_own_rows_decide_nothing_about_it() -> None:
    table = validation()
    before = cross_fitted(table, ThresholdRule(), "platt")[2]
    own = table["fold"] == 2
    changed = table.assign(probability=table["probability"].where(~own, 1 - table["probability"]))
    assert cross_fitted(changed, ThresholdRule(), "platt")[2] == before


def test_the_table_judges_each_fold_at_its_own_decision() -> None:
    table = validation()
    decisions = cross_fitted(table, ThresholdRule(), "platt")
    rows = cross_fitted_table(table, decisions)
    for row in rows[:5]:
        fold = int(row["fold"])
        own, rest = table[table["fold"] == fold], table[table["fold"] != fold]
        platt = fit_calibration(rest["label"], rest["probability"], "platt")
        line = choose_threshold(rest["label"], platt.apply(rest["probability"]))
        expected = binary_metrics(own["label"], platt.apply(own["probability"]), line)
        for name in ("accuracy", "recall", "specificity", "auc"):
            assert row[name] == pytest.approx(expected[name], abs=1e-4)
    assert rows[-2]["accuracy"] == pytest.approx(
        np.mean([r["accuracy"] for r in rows[:5]]), abs=1e-4
    )


@pytest.mark.long
def test_where_nothing_can_be_known_chosen_figures_are_too_good_and_cross_fitted_ones_are_not() -> (
    None
):
    rng = np.random.default_rng(0)
    chosen, fitted = [], []
    for _ in range(150):
        table = pd.DataFrame({"fold": np.repeat([1, 2, 3, 4, 5], 8), "label": np.tile([0, 1], 20)})
        table["probability"] = rng.random(40)
        line = choose_threshold(table["label"], table["probability"])
        chosen.append(fold_table(table, line)[-2]["accuracy"])
        fitted.append(cross_fitted_table(table, cross_fitted(table))[-2]["accuracy"])
    assert np.mean(chosen) > 0.57
    assert np.mean(fitted) == pytest.approx(0.5, abs=0.03)


def test_a_fold_whose_rest_lacks_a_class_has_no_figure_at_a_threshold() -> None:
    table = pd.DataFrame(
        {"fold": [1, 1, 1, 1, 2, 2], "label": [0, 1, 0, 1, 0, 0],
         "probability": [0.1, 0.8, 0.3, 0.7, 0.2, 0.4]}
    )  # fmt: skip
    decisions = cross_fitted(table)
    assert decisions[1] is None
    first = cross_fitted_table(table, decisions)[0]
    assert first["accuracy"] is None
    assert first["auc"] == 1.0


def test_confident_networks_decide_alike_in_memory_and_from_files(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    table = validation()
    odds = np.where(table["label"] == 1, -13.0, -15.0) + rng.normal(0, 0.6, len(table))
    table = table.assign(probability=1 / (1 + np.exp(-odds)))
    own = read_predictions(table)
    operating = with_rule(
        apply_operating_point("own", own, 0.5, "", calibration_from_validation(own, "platt")),
        ThresholdRule(),
    )
    card = BundleCard(
        architecture="usf-mae-tiny", folds=5, threshold=operating.threshold,
        calibration=operating.calibration,
    )  # fmt: skip
    (tmp_path / "card.json").write_text(card.model_dump_json())
    table.to_csv(tmp_path / "predictions.csv", index=False)
    kept = BundleCard.model_validate_json((tmp_path / "card.json").read_text())
    back = read_predictions(tmp_path / "predictions.csv")
    again = apply_operating_point(
        "own", back, kept.threshold, kept.threshold_rule, kept.calibration
    )
    first, second = operating.cases("validation"), again.cases("validation")
    assert np.array_equal(first.probability, second.probability)
    assert kept.threshold == operating.threshold
    called = second.probability >= kept.threshold
    assert 0 < called.sum() < len(called)
    # raw probabilities a ten-thousandth apart: rounding would call all of them or none
    assert table["probability"].max() < 1e-4
    text = io.StringIO()
    again.predictions.table.to_csv(text, index=False)
    assert np.array_equal(
        read_predictions(text.getvalue().encode()).table["probability"],
        again.predictions.table["probability"],
    )


@pytest.mark.parametrize(("split", "rule", "said"), [
    ("validation", ThresholdRule().words(), True), ("test", ThresholdRule().words(), False),
    ("validation", "0.5 by convention", False),
])  # fmt: skip
def test_figures_of_the_images_that_chose_the_threshold_are_marked(
    split: str, rule: str, said: bool
) -> None:
    operating = apply_operating_point("own", read_predictions(table_of()), 0.4, rule)
    sentence = operating.optimism(split)  # type: ignore[arg-type]
    assert (sentence is not None) == said
    assert sentence is None or "threshold" in sentence
    assert sentence is None or "AUC and average precision are not affected" in sentence


@pytest.mark.parametrize("rule", [ThresholdRule().words(), "0.5 by convention"])
def test_figures_of_the_images_that_chose_the_epochs_are_all_marked(rule: str) -> None:
    operating = apply_operating_point(
        "own", read_predictions(table_of()), 0.4, rule, epochs_chosen=True
    )
    assert "AUC included, are too good" in (operating.optimism("validation") or "")
    assert operating.optimism("test") is None
