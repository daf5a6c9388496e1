"""Which bundle answers on the classify page: promoted by whom, when and why; and back again.

A finished run's bundle becomes a version of one registered model; the alias "clinic" names the
version in use. Every change is kept as a tag of the registered model.
"""

from __future__ import annotations

import getpass
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from mlflow.exceptions import MlflowException

from vmcore.models import BundleError, load_card
from vmcore.runs.plan import RunError
from vmcore.runs.record import RunStore, open_store
from vmcore.settings import settings

_MODEL, _ALIAS, _TAG = "ventriscope", "clinic", "promotion."
BUNDLED = "bundled"


@dataclass(frozen=True, slots=True)
class Promotion:
    """One change of the model in use; ``run_id`` is "bundled" for the bundled model."""

    run_id: str
    name: str
    who: str
    when: str
    why: str


def promote(run_id: str, *, why: str, who: str | None = None) -> Promotion:
    """Let a finished run's bundle answer on the classify page from now on.

    Args:
        run_id: the run, or "bundled" for the bundled model.
        why: the reason, kept with the change.
        who: the person; the machine's user without.

    Raises:
        RunError: the run has no bundle, or no reason is given.
    """
    if not why.strip():
        raise RunError("Say why this model is promoted; the reason is kept with the change.")
    store = open_store(settings().store)
    name = _point_to(store, run_id)
    made = Promotion(
        run_id, name, (who or "").strip() or getpass.getuser(),
        datetime.now(UTC).isoformat(timespec="seconds"), why.strip(),
    )  # fmt: skip
    number = len(promotions())
    store.client.set_registered_model_tag(_MODEL, f"{_TAG}{number:06d}", json.dumps(asdict(made)))
    return made


def _point_to(store: RunStore, run_id: str) -> str:
    client = store.client
    try:
        client.get_registered_model(_MODEL)
    except MlflowException:
        client.create_registered_model(_MODEL)
    if run_id == BUNDLED:
        client.delete_registered_model_alias(_MODEL, _ALIAS)
        return load_card(settings().bundle).name
    bundle = store.artifact(run_id, "bundle")
    card = load_card(bundle)
    uri = f"{client.get_run(run_id).info.artifact_uri}/bundle"
    known = [v for v in client.search_model_versions(f"name='{_MODEL}'") if v.run_id == run_id]
    version = known[0] if known else client.create_model_version(_MODEL, uri, run_id)
    client.set_registered_model_alias(_MODEL, _ALIAS, version.version)
    return card.name


def promotions() -> list[Promotion]:
    """Every change, the newest first."""
    try:
        model = open_store(settings().store).client.get_registered_model(_MODEL)
    except MlflowException:
        return []
    tags = sorted((key, value) for key, value in model.tags.items() if key.startswith(_TAG))
    return [Promotion(**json.loads(value)) for _, value in reversed(tags)]


def roll_back(*, why: str, who: str | None = None) -> Promotion:
    """Go back to the model that was in use before the present one.

    Raises:
        RunError: nothing was promoted yet.
    """
    changes = promotions()
    if not changes:
        raise RunError("Nothing was promoted yet: the bundled model is in use.")
    before = changes[1].run_id if len(changes) > 1 else BUNDLED
    return promote(before, why=why, who=who)


def bundle_in_use() -> Path:
    """The bundle that answers on the classify page.

    Raises:
        RunError: the promoted bundle is gone.
    """
    store = settings().store
    chosen = settings()
    if not (store / "mlflow.db").is_file() and not chosen.shared_store:
        return chosen.bundle  # nothing can have been promoted
    runs = open_store(store)
    try:
        version = runs.client.get_model_version_by_alias(_MODEL, _ALIAS)
    except MlflowException:
        return chosen.bundle
    try:
        bundle = runs.artifact(str(version.run_id), "bundle")
        load_card(bundle)
    except (RunError, BundleError, MlflowException) as error:
        raise RunError(
            "The promoted model's bundle is gone or damaged; promote another one or roll back."
        ) from error
    return bundle
