"""A run keeps the precision that it was begun in, or says why it cannot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tests.runs.support import small_plan
from vmcore.models import training_precision
from vmcore.runs import RunError, RunFolder
from vmcore.runs.precision import settle_precision


def begun(folder: Path, environment: dict[str, str], **plan: object) -> RunFolder:
    run = RunFolder(folder)
    run.mark("plan.json", small_plan(folder, **plan).model_dump_json())
    run.mark("environment.json", json.dumps({"python": "3.11"} | environment))
    return run


def test_the_first_worker_decides_and_the_run_records_it(tmp_path: Path) -> None:
    run = begun(tmp_path, {})
    fast = training_precision(torch.device("cpu"))
    assert settle_precision(run, "cpu") == fast
    assert run.read_json("environment.json") == {"python": "3.11", "precision": fast}


def test_a_resumed_run_keeps_what_it_was_begun_in(tmp_path: Path) -> None:
    run = begun(tmp_path, {"precision": "32-true"})
    assert settle_precision(run, "cpu") == "32-true"


def test_a_run_begun_in_what_is_only_emulated_here_is_refused(tmp_path: Path) -> None:
    run = begun(tmp_path, {"precision": "16-mixed"})
    with pytest.raises(RunError, match="emulate"):
        settle_precision(run, "cpu")


def test_a_precision_that_the_plan_names_is_taken_even_where_it_is_slow(tmp_path: Path) -> None:
    run = begun(tmp_path, {}, precision="16-mixed")
    assert settle_precision(run, "cpu") == "16-mixed"
