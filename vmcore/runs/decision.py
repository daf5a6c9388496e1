"""Give a finished run's model another threshold or a calibration, both from validation folds."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime

from vmcore.evaluation import (
    TEST_TITLE,
    VALIDATION_TITLE,
    CalibrationMethod,
    OperatingPredictions,
    ThresholdRule,
    apply_operating_point,
    calibration_from_validation,
    cross_fitted,
    cross_fitted_table,
    fold_table,
    with_rule,
)
from vmcore.models.bundle_card import CARD_FILE
from vmcore.runs.access import named, require
from vmcore.runs.answers import understood
from vmcore.runs.errors import RunError
from vmcore.runs.folder import RunFolder, runs_folder
from vmcore.runs.model_in_use import BUNDLED
from vmcore.runs.record import open_store, unique_name
from vmcore.runs.reviewing import IMPORTED, Reviewed, open_reviewed
from vmcore.settings import settings


def decided(
    reviewed: Reviewed, rule: ThresholdRule, method: CalibrationMethod
) -> OperatingPredictions:
    """The operating point that a rule and a calibration make, fitted on validation predictions only.

    Raises:
        PredictionsError: there are no validation predictions of both classes.
    """
    calibration = calibration_from_validation(reviewed.predictions, method)
    plain = apply_operating_point(reviewed.name, reviewed.predictions, 0.5, "", calibration)
    return with_rule(plain, rule)


def keep_decision(
    run_id: str, rule: ThresholdRule, method: CalibrationMethod, *, why: str, who: str | None = None
) -> OperatingPredictions:
    """Write threshold and calibration into a run's bundle; the classify page follows at once.

    The figures by fold in the card and in the run are made anew. The change is kept as a tag of the
    run, with who, when and why.

    Raises:
        RunError: no reason is given, or the model is not a run's.
        PredictionsError: there are no validation predictions of both classes.
    """
    person = require("release")
    if not why.strip():
        raise RunError("Say why; the reason is kept with the change.")
    if run_id in {BUNDLED, IMPORTED}:
        raise RunError("Only a finished run's model can be given another threshold.")
    reviewed = open_reviewed(run_id)
    if reviewed.card is None or reviewed.bundle is None:
        raise RunError("The run has no bundle.")
    operating = decided(reviewed, rule, method)
    table = operating.predictions.table
    raw = reviewed.predictions.table
    validation = raw[raw["split"] == "validation"]
    tables = {
        VALIDATION_TITLE: cross_fitted_table(validation, cross_fitted(validation, rule, method))
    }
    if "test" in operating.predictions.splits():
        tables[TEST_TITLE] = fold_table(table[table["split"] == "test"], operating.threshold)
    card = reviewed.card.model_copy(
        update={
            "threshold": operating.threshold,
            "threshold_rule": operating.rule,
            "calibration": operating.calibration,
            "metrics": {
                title: figures
                for title, figures in reviewed.card.metrics.items()
                if "by fold" not in title
            }
            | tables,
        }
    )
    store = open_store(settings().store)
    text = card.model_dump_json(indent=2) + "\n"
    store.change_bundle(run_id, reviewed.bundle, CARD_FILE, text)
    folder = RunFolder(runs_folder() / run_id)
    if folder.marked("finished.json"):
        now = {"metrics": tables, "threshold": operating.threshold}
        text = json.dumps(folder.read_json("finished.json") | now)
        folder.mark("finished.json", text)
    note = {"who": named(person, who), "why": why.strip()}
    when = datetime.now(UTC)
    note |= {"when": when.isoformat(timespec="seconds")}
    note |= {"threshold": repr(operating.threshold), "calibration": method}
    note |= {"rule": json.dumps(asdict(rule))}
    with understood():
        store.client.set_tag(run_id, f"decision.{unique_name(when)}", json.dumps(note))
    return operating
