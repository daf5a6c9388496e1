"""How fast results open: ``python -m benchmarks.results``.

A store of 500 finished runs, one of which has judged 20,000 test images by five folds (100,000
predictions). In one run on the same machine:

- opening: listing the runs, reading and checking the predictions, curves, threshold's point, fold
  table; against reading the same CSV with pandas alone;
- intervals: 95 % intervals of ten figures, in two readings, from 2,000 draws of subjects; against one
  scikit-learn call a figure, fold and draw, timed on a few draws.
"""

from __future__ import annotations

import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn import metrics

from benchmarks.crowd import SUBJECTS, crowded_store, large_table
from vmcore.evaluation import (
    ALL_METRICS,
    CaseSet,
    fold_table,
    interval_rows,
    operating_point,
    pr_band,
    read_predictions,
    roc_band,
)
from vmcore.evaluation.intervals import RESAMPLES
from vmcore.files import write_atomically
from vmcore.runs import open_reviewed, open_store, reviewable
from vmcore.settings import settings

_REPEATS = 5
_TIMED_DRAWS = 4
_SLOW = (
    metrics.accuracy_score, metrics.precision_score, metrics.recall_score, metrics.f1_score,
    metrics.balanced_accuracy_score, metrics.matthews_corrcoef,
)  # fmt: skip


def best(work: Callable[[], object], repeats: int = _REPEATS) -> float:
    """Seconds of the fastest of several runs."""
    found = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return min(found)


def opening(run_id: str) -> None:
    """What the page does before it has drawn its curves."""
    if len(reviewable()) < 2:
        raise RuntimeError("The store is empty.")
    reading = open_reviewed(run_id).operating()
    cases = reading.cases("test")
    roc_band(cases)
    pr_band(cases)
    operating_point(cases, reading.threshold)
    table = reading.predictions.table
    fold_table(table[table["split"] == "test"], reading.threshold, ALL_METRICS)


def by_scikit_learn(cases: CaseSet) -> float:
    """Seconds of a few draws, each figure of each fold by a call of its own."""
    rng = np.random.default_rng(0)
    rows_of = pd.Series(range(len(cases))).groupby(cases.subjects).apply(np.array)
    start = time.perf_counter()
    for _ in range(_TIMED_DRAWS):
        rows = np.concatenate(rows_of.iloc[rng.integers(0, SUBJECTS, SUBJECTS)].to_list())
        truth = cases.labels[rows]
        for column in (*cases.by_fold.T, cases.probability):
            for figure in _SLOW:
                figure(truth, column[rows] >= 0.5)
            metrics.roc_auc_score(truth, column[rows])
            metrics.average_precision_score(truth, column[rows])
    return time.perf_counter() - start


def main() -> None:
    """Measure and write results.json."""
    with tempfile.TemporaryDirectory() as name:
        os.environ["VMCORE_STORE"] = name
        settings.cache_clear()
        open_store.cache_clear()
        run_id = crowded_store(Path(name))
        file = open_store(settings().store).artifact(run_id, "bundle") / "predictions.csv"
        reading, plain = best(lambda: opening(run_id)), best(lambda: pd.read_csv(file))
        cases = read_predictions(large_table()).cases("test")
        ours = best(lambda: interval_rows(cases, 0.5), 2)
        theirs = by_scikit_learn(cases) / _TIMED_DRAWS * RESAMPLES
    figures = {
        "machine": f"{platform.machine()}, {os.cpu_count()} processors",
        "opening": {
            "seconds": round(reading, 2),
            "times pandas.read_csv": round(reading / plain, 1),
        },
        "intervals": {
            "seconds": round(ours, 2),
            "faster than scikit-learn draw by draw": round(theirs / ours),
        },
    }
    write_atomically(Path(__file__).with_name("results.json"), json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
