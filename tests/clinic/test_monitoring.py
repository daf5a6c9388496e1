"""What is counted by week and by device, against counts by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import count

import pandas as pd
import pytest
from scipy import stats

from tests.clinic.cases import case
from vmcore.clinic import (
    Entry,
    Event,
    answered,
    assessed,
    audit_table,
    device_figure,
    drift_figure,
    outcome_figure,
    outcomes_by_device,
    outcomes_by_week,
    weekly_drift,
)
from vmcore.reporting.case import assess

FIRST, SECOND = datetime(2026, 3, 4, tzinfo=UTC), datetime(2026, 3, 9, tzinfo=UTC)  # Wed, next Mon


def table_of(*events: Event) -> pd.DataFrame:
    numbers = count(1)
    return audit_table([Entry(next(numbers), event, "", "") for event in events])


def decided(seed: int, outcome: str, at: datetime, **more: object) -> Event:
    said = assess(outcome, label="normal", person="anna", reason="why", at=at)  # type: ignore[arg-type]
    return assessed(case(seed, **more), said)  # type: ignore[arg-type]


def seen(seed: int, at: datetime, **more: object) -> Event:
    return replace(answered(case(seed, **more), "anna"), at=at)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return table_of(
        seen(1, FIRST),
        decided(1, "rejected", FIRST),
        decided(1, "accepted", SECOND),  # thought better of it, a week later
        seen(1, SECOND),  # looked at again
        seen(2, FIRST, width_mm=10.1),  # borderline: no verdict
        seen(3, SECOND, in_domain=False, device=None),
        decided(3, "corrected", SECOND, in_domain=False, device=None),
        seen(1, SECOND, bundle="c" * 64),  # another model's answer to the same picture
    )


def test_each_answer_counts_once_with_its_last_decision(table: pd.DataFrame) -> None:
    weeks = outcomes_by_week(table).set_index("week")
    assert [str(week.date()) for week in weeks.index] == ["2026-03-02", "2026-03-09"]
    assert weeks["answers"].tolist() == [2, 2]
    assert weeks["accepted"].tolist() == [1, 0]
    assert weeks["corrected"].tolist() == [0, 1]
    assert weeks["rejected"].tolist() == [0, 0]
    assert weeks["not decided"].tolist() == [1, 1]
    assert weeks["withheld"].tolist() == [1, 1]


def test_devices_are_told_apart_and_unnamed_ones_are_one(table: pd.DataFrame) -> None:
    devices = outcomes_by_device(table).set_index("device")
    assert devices["answers"].to_dict() == {"Maker One": 3, "not named": 1}
    assert devices.loc["not named", "corrected"] == 1


def test_drift_has_wilsons_interval_and_quartiles() -> None:
    events = [
        seen(n, FIRST, probability=p, in_domain=p > 0.15)
        for n, p in enumerate((0.1, 0.2, 0.6, 0.9))
    ]
    (week,) = weekly_drift(table_of(*events)).to_dict("records")
    reference = stats.binomtest(3, 4).proportion_ci(method="wilson")
    assert week["in_domain"] == 0.75
    assert (week["in_domain_low"], week["in_domain_high"]) == pytest.approx(
        (reference.low, reference.high)
    )
    assert week["probability"] == pytest.approx(0.4)
    assert week["probability_low"] == pytest.approx(0.175)


def test_the_plots_hold_the_counts_and_no_html_of_a_device(table: pd.DataFrame) -> None:
    weeks = outcome_figure(outcomes_by_week(table))
    assert {bar.name: list(bar.y) for bar in weeks.data if bar.type == "bar"} == {
        "accepted": [1, 0], "corrected": [0, 1], "rejected": [0, 0], "not decided": [1, 1],
    }  # fmt: skip
    named = device_figure(outcomes_by_device(table_of(seen(1, FIRST, device="<b>x</b>"))))
    assert list(named.data[0].y) == ["&lt;b&gt;x&lt;/b&gt;"]
    assert len(drift_figure(weekly_drift(table)).data) == 2


def test_an_empty_trail_gives_empty_tables_and_plots() -> None:
    empty = table_of()
    assert outcomes_by_week(empty).empty
    assert outcomes_by_device(empty).empty
    assert weekly_drift(empty).empty
    outcome_figure(outcomes_by_week(empty))
    device_figure(outcomes_by_device(empty))
    drift_figure(weekly_drift(empty))
