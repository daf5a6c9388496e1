"""Models whose results can be reviewed: the bundled one, finished runs, predictions from elsewhere."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from vmcore.evaluation import (
    OperatingPredictions,
    Predictions,
    apply_operating_point,
    read_predictions,
    without_names,
)
from vmcore.evaluation.subgroups import SUBGROUP_COLUMNS, TEXT_COLUMNS
from vmcore.models import BundleCard, bundle_digest, load_card
from vmcore.models.bundle_card import PREDICTIONS_FILE
from vmcore.reporting.review import Provenance
from vmcore.runs.case_images import FindImage, images_of_bundle, images_of_run, no_images
from vmcore.runs.disjoint import SplitLevel, split_level, unknown_subjects
from vmcore.runs.errors import RunError
from vmcore.runs.folder import RunFolder, runs_folder
from vmcore.runs.model_in_use import BUNDLED
from vmcore.runs.plan import CROSS_VALIDATION, Plan
from vmcore.runs.record import open_store
from vmcore.settings import settings

_SHARED_BY = 5  # subjects from which on a value cannot be about one of them
_RARE = "other"
IMPORTED = "imported"


@dataclass(frozen=True, slots=True)
class ReviewableModel:
    """A model that can be reviewed, as it stands in a list."""

    key: str
    name: str
    architecture: str
    study: str


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A model's results and where they come from.

    Attributes:
        key: the run, "bundled", or "imported".
        name: the model's.
        predictions: raw, as the networks gave them.
        card: the bundle's, None for imported predictions.
        bundle: the bundle's folder, or None.
        plan: the run's plan as it was written, else empty.
        environment: versions and machine, else empty.
        population: equal for models that were judged on the same images.
        find_image: from a case to its picture.
        digest: of the bundle, or of the imported predictions.
    """

    key: str
    name: str
    predictions: Predictions
    card: BundleCard | None
    bundle: Path | None
    plan: dict[str, Any]
    environment: dict[str, Any]
    population: str
    find_image: FindImage
    digest: str

    @property
    def split_by(self) -> SplitLevel:
        """What the parts do not share: subjects (where they are known), images, or unknown."""
        if self.key == BUNDLED:
            return "subject"
        images = self.predictions.table["image"].nunique()
        return split_level(str(self.plan.get("split_by")), self.unknown_subjects, images)

    @property
    def unknown_subjects(self) -> int | None:
        """How many images name no subject and count as one of their own; None if not known."""
        if self.key == BUNDLED:
            return 0
        if self.card is not None:
            return unknown_subjects(self.card.training_data)
        named = self.predictions.subjects_named
        return 0 if named else int(self.predictions.table["image"].nunique())

    def operating(self) -> OperatingPredictions:
        """The predictions as the model's users get them."""
        if self.card is None:
            return apply_operating_point(self.name, self.predictions, 0.5, "0.5 by convention")
        return apply_operating_point(
            self.name, self.predictions, self.card.threshold, self.card.threshold_rule,
            self.card.calibration, epochs_chosen=True,
        )  # fmt: skip


def provenance(reviewed: Reviewed) -> Provenance:
    """Where a model's results come from, for its report."""
    card = reviewed.card
    return Provenance(
        split_by=reviewed.split_by,
        plan=reviewed.plan or ({"architecture": card.architecture} if card else {}),
        environment=reviewed.environment,
        training_data=card.training_data if card else {},
        limits=card.limits if card else (),
        unknown_subjects=reviewed.unknown_subjects or 0,
    )


def reviewable() -> list[ReviewableModel]:
    """The bundled model, then every finished run, the newest first."""
    chosen = settings()
    card = load_card(chosen.bundle)
    found = [ReviewableModel(BUNDLED, card.name, card.architecture, "the model's own data")]
    if not (chosen.store / "mlflow.db").is_file() and not chosen.shared_store:
        return found
    for run in open_store(chosen.store).summaries():
        if run["status"] == "FINISHED" and run["kind"] == CROSS_VALIDATION:
            params = run["params"]
            name = f"{run['name']} · {run['run_id'][:6]}"
            study, kind = params.get("study", "?"), params.get("architecture", "?")
            found.append(ReviewableModel(run["run_id"], name, kind, study))
    return found


def open_reviewed(key: str) -> Reviewed:
    """Open a model's results.

    Raises:
        RunError: there is no such run, it is still going, failed, or left nothing.
        BundleError, PredictionsError: its bundle or predictions are damaged.
    """
    if key == BUNDLED:
        bundle = settings().bundle
        card = load_card(bundle)
        if not (bundle / PREDICTIONS_FILE).is_file():
            raise RunError("The model's bundle holds no predictions to review.")
        return Reviewed(
            BUNDLED, card.name, read_predictions(bundle / PREDICTIONS_FILE), card, bundle, {}, {},
            f"bundled {card.created}", images_of_bundle(settings().images, card.phantom_series),
            bundle_digest(bundle),
        )  # fmt: skip
    return _of_run(key)


def reviewed_digest(key: str) -> str:
    """Which version of a model's results :func:`open_reviewed` would open now.

    Raises:
        RunError, BundleError: there are none.
    """
    bundle = settings().bundle
    if key != BUNDLED:
        bundle = open_store(settings().store).artifact(key, "bundle")
    return bundle_digest(bundle)


def _of_run(run_id: str) -> Reviewed:
    store = open_store(settings().store)
    state = store.status(run_id)
    if state in {"SCHEDULED", "RUNNING"}:
        raise RunError("The run is still going; its results can be reviewed when it is finished.")
    if state != "FINISHED":
        raise RunError(
            "The run did not finish, so it has no results; resume it on the page Training."
        )
    bundle = store.artifact(run_id, "bundle")
    card = load_card(bundle)
    predictions = read_predictions(bundle / PREDICTIONS_FILE)
    environment = _json(store.artifact(run_id, "environment.json"))
    folder = RunFolder(runs_folder() / run_id)
    find = images_of_run(folder, predictions.table) if folder.marked("plan.json") else no_images
    return Reviewed(
        run_id, f"{card.name} · {run_id[:6]}", predictions, card, bundle,
        _plan(store.artifact(run_id, "plan.json")), environment,
        str(environment.get("study_digest", run_id)), find, bundle_digest(bundle),
    )  # fmt: skip


def imported(content: bytes, name: str = "imported predictions") -> Reviewed:
    """Predictions made elsewhere; they stay in memory, with numbers for images and subjects.

    Raises:
        PredictionsError: what is wrong with them.
    """
    digest = hashlib.sha256(content).hexdigest()
    read = read_predictions(content)
    # pages keep what they draw longer than the session lasts: nothing in it may name anybody
    table = without_names(read, anew=True)
    groups = {
        name: _shared(read.table[name], read.table["subject"])
        for name in SUBGROUP_COLUMNS
        if name in read.table.columns
    }
    table = table.assign(image=table["image"].astype(str), **groups)
    numbered = replace(read, table=table)
    return Reviewed(IMPORTED, name, numbered, None, None, {}, {}, digest, no_images, digest)


def _shared(values: pd.Series, subjects: pd.Series) -> pd.Series:
    """A column whose rarer texts are not told: what few share may name one of them."""
    if values.name not in TEXT_COLUMNS:
        return pd.to_numeric(values, errors="coerce")
    count = subjects.groupby(values).transform("nunique")
    return values.where(count.ge(_SHARED_BY) | values.isna(), _RARE)


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise RunError(f"The run's {path.name} is missing or damaged.") from error
    return value if isinstance(value, dict) else {}


def _plan(path: Path) -> dict[str, Any]:
    """The plan as kept, with the study's name in place of its folder."""
    plan = _json(path)
    Plan.model_validate(plan)
    return plan | {"study": Path(str(plan["study"])).name}
