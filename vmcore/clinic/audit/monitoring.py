"""How the answers fare: what people decide about them, and whether pictures and probabilities drift.

Each picture counts once for each version of the models, with its last answer and its last decision, however
often it is looked at.
"""

from __future__ import annotations

import pandas as pd

from vmcore.clinic.audit.entry import OF_ARCHIVES
from vmcore.evaluation import wilson

OUTCOMES = ("accepted", "corrected", "rejected", "not decided")
UNNAMED_DEVICE = "not named"
_ANSWER = ["pixels", "bundle", "anatomy"]


def outcomes_by_week(table: pd.DataFrame) -> pd.DataFrame:
    """How many answers were accepted, corrected, rejected or not decided, and withheld.

    Args:
        table: of :func:`vmcore.clinic.audit.table`.

    Returns:
        a row a week of the first answer, by its Monday (UTC): week, answers, each of
        :data:`OUTCOMES`, and withheld, which counts answers without a verdict among all of them.
    """
    return _counted(_answers(table), "week")


def outcomes_by_device(table: pd.DataFrame) -> pd.DataFrame:
    """The same by the scanner's manufacturer and model, most answers first."""
    counted = _counted(_answers(table), "device")
    return counted.sort_values(["answers", "device"], ascending=[False, True], ignore_index=True)


def weekly_drift(table: pd.DataFrame) -> pd.DataFrame:
    """How the pictures and the classifier's probabilities change from week to week.

    Returns:
        a row a week: week, answers, in_domain (share of those that can be told) with in_domain_low and
        in_domain_high (Wilson's 95 % interval), probability (median) with its quartiles
        probability_low and probability_high.
    """
    rows = []
    for week, answers in _answers(table).groupby("week", sort=True):
        told = answers["in_domain"].dropna()
        share = wilson(int(told.sum()), len(told))
        low, middle, high = answers["probability"].quantile([0.25, 0.5, 0.75])
        rows.append(
            {
                "week": week, "answers": len(answers), "in_domain": share.estimate,
                "in_domain_low": share.low, "in_domain_high": share.high, "probability": middle,
                "probability_low": low, "probability_high": high,
            }
        )  # fmt: skip
    names = (
        "week", "answers", "in_domain", "in_domain_low", "in_domain_high", "probability",
        "probability_low", "probability_high",
    )  # fmt: skip
    return pd.DataFrame(rows, columns=list(names))


def _answers(table: pd.DataFrame) -> pd.DataFrame:
    """One row a picture and models' version: the last answer, when it was first given, the last decision."""
    table = table[~table["action"].isin(OF_ARCHIVES)]
    told = table.assign(
        bundle=table["bundle"].fillna(""),
        anatomy=table["anatomy"].fillna(""),
        device=table["device"].fillna(UNNAMED_DEVICE),
    ).sort_values("sequence")
    first = told.groupby(_ANSWER, sort=False)["at"].min()
    answers = told.groupby(_ANSWER, sort=False).tail(1).set_index(_ANSWER)
    decided = told[told["action"] == "assessed"].groupby(_ANSWER)["decision"].last()
    outcome = decided.reindex(answers.index).fillna("not decided")
    day = first.reindex(answers.index).dt.tz_localize(None).dt.normalize()
    monday = day - pd.to_timedelta(day.dt.weekday, unit="D")
    return answers.assign(outcome=outcome, week=monday).reset_index()


def _counted(answers: pd.DataFrame, by: str) -> pd.DataFrame:
    counts = pd.crosstab(answers[by], answers["outcome"]).reindex(
        columns=list(OUTCOMES), fill_value=0
    )
    counts.insert(0, "answers", counts.sum(axis=1))
    counts["withheld"] = answers.groupby(by)["withheld"].sum().astype(int)
    counts.columns.name = None
    return counts.reset_index()
