"""A crowded store: 500 finished runs, one of them with 100,000 predictions."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from vmcore.models import create_classifier, save_bundle
from vmcore.runs import Plan, open_store

RUNS = 500
SUBJECTS, PER_SUBJECT, FOLDS = 10_000, 2, 5


def large_table(seed: int = 0) -> pd.DataFrame:
    """Predictions of 20,000 test images by five folds."""
    rng = np.random.default_rng(seed)
    count = SUBJECTS * PER_SUBJECT
    truth = (rng.random(count) < 0.17).astype(int)
    ease = rng.normal(0, 1, count)
    parts = []
    for fold in range(1, FOLDS + 1):
        odds = 2.4 * truth - 1.4 + ease + rng.normal(0, 0.7, count)
        parts.append(
            pd.DataFrame(
                {
                    "image": np.arange(1, count + 1),
                    "subject": [f"s{row // PER_SUBJECT}" for row in range(count)],
                    "label": truth,
                    "split": "test",
                    "fold": fold,
                    "probability": (1 / (1 + np.exp(-odds))).round(5),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def crowded_store(folder: Path) -> str:
    """Fill a store; returns the run that has the predictions.

    One run is noted through the run store; the others are copies of its rows in the database.
    """
    store = open_store(folder)
    plan = Plan(name="large", study=folder / "studies/large", architecture="usf-mae-tiny")
    run_id = store.create(plan)
    torch.manual_seed(0)
    staged = folder / "staged"
    save_bundle(
        staged / "bundle",
        [create_classifier("usf-mae-tiny") for _ in range(FOLDS)],
        architecture="usf-mae-tiny",
        name="large",
        predictions=large_table().to_csv(index=False),
    )
    (staged / "plan.json").write_text(plan.model_dump_json())
    (staged / "environment.json").write_text("{}")
    store.finish(run_id, {"test_auc_mean": 0.9}, staged)
    store.set_status(run_id, "FINISHED")
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        for number in range(RUNS - 1):
            copy = f"{number:032x}"
            for table in ("runs", "params", "tags", "latest_metrics"):
                columns = [row[1] for row in database.execute(f"pragma table_info({table})")]
                chosen = ", ".join(f"'{copy}'" if c == "run_uuid" else c for c in columns)
                database.execute(
                    f"insert into {table} ({', '.join(columns)}) "  # noqa: S608  names of the schema
                    f"select {chosen} from {table} where run_uuid = ?",
                    (run_id,),
                )
        database.commit()
    return run_id
