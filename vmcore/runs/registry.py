"""Which bundle answers on the classify page: promoted by whom, when and why; and back again.

A finished run's bundle becomes a version of one registered model; the alias "clinic" names the
version in use. Every change is kept as a tag of the registered model, under a name of its own.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from mlflow.exceptions import MlflowException

from vmcore.models import BundleError, load_card
from vmcore.runs.access import named, require
from vmcore.runs.answers import is_missing, understood
from vmcore.runs.errors import RunError, StoreSilentError
from vmcore.runs.in_use import LastKnown, remember
from vmcore.runs.model_in_use import (
    BUNDLED,
    InUse,
    as_known,
    bundle_in_use,
    changing_model_in_use,
    forget_silence,
)
from vmcore.runs.record import RunStore, open_store, unique_name
from vmcore.runs.regression_set import BOUND, NOT_COMPARED, read_regression_set
from vmcore.settings import settings

_MODEL, _ALIAS, _TAG = "ventriscope", "clinic", "promotion."
_LOST = "The model registry no longer knows of any promotion; promote a model anew."


@dataclass(frozen=True, slots=True)
class Promotion:
    """One change of the model in use; ``run_id`` is "bundled" for the bundled model.

    Attributes:
        run_id, name: of the model that answers from then on.
        who, when, why: as they were given.
        check: what the comparison on old cases found; empty for a rollback, and before there was one.
        accepted: why the model may answer although old cases get worse; empty where none do.
    """

    run_id: str
    name: str
    who: str
    when: str
    why: str
    check: str = ""
    accepted: str = ""


def promote(
    run_id: str, *, why: str, who: str | None = None, bound: float = BOUND, accepted: str = ""
) -> Promotion:
    """Let a finished run's bundle answer on the classify page from now on.

    Where old cases are kept (:mod:`vmcore.runs.regression_set`), it is held against the model in use
    on them first.

    Args:
        run_id: the run, or "bundled" for the bundled model.
        why: the reason, kept with the change.
        who: the person, where nobody had to sign in; the machine's user without.
        bound: by how much an old case's probability for its true class may fall.
        accepted: why the model may answer although old cases get worse; kept with the change.

    Raises:
        WorseCasesError: old cases get worse, and no reason is given why it may answer nevertheless.
        RunError: the run has no bundle, no reason is given, or the registry does not answer.
        BundleError: the bundle is damaged.
    """
    require("release")
    if not why.strip():
        raise RunError("Say why this model is promoted; the reason is kept with the change.")
    if read_regression_set() is None:
        return _change(run_id, why, who, NOT_COMPARED, "")
    from vmcore.runs.promotion_check import require_no_worse  # noqa: PLC0415  it loads networks

    found = require_no_worse(run_id, bound, accepted)
    return _change(run_id, why, who, found, accepted)


def _change(
    run_id: str, why: str, who: str | None, check: str, accepted: str, expected: str | None = None
) -> Promotion:
    person = require("release")
    place = settings().store
    store = open_store(place)
    with changing_model_in_use():
        if expected is not None and _latest() != expected:
            raise RunError("Another model is in use by now; look again before you roll back.")
        bundle = None if run_id == BUNDLED else store.artifact(run_id, "bundle")
        name = load_card(bundle or settings().bundle).name
        when = datetime.now(UTC)
        made = Promotion(
            run_id, name, named(person, who),
            when.isoformat(timespec="seconds"), why.strip(), check, accepted.strip(),
        )  # fmt: skip
        with understood():
            _register(store)
            tag = f"{_TAG}{unique_name(when)}"
            store.client.set_registered_model_tag(_MODEL, tag, json.dumps(asdict(made)))
            try:
                _point_to(store, run_id)
            except BaseException:
                store.client.delete_registered_model_tag(_MODEL, tag)  # it did not come to that
                raise
        remember(place, store.name, run_id, bundle)
        forget_silence(place, store.name)
    return made


def _register(store: RunStore) -> None:
    try:
        store.client.get_registered_model(_MODEL)
    except MlflowException as error:
        if not is_missing(error):
            raise
        try:
            store.client.create_registered_model(_MODEL)
        except MlflowException as other:
            if other.error_code != "RESOURCE_ALREADY_EXISTS":  # somebody else was quicker
                raise


def _point_to(store: RunStore, run_id: str) -> None:
    client = store.client
    if run_id == BUNDLED:
        client.delete_registered_model_alias(_MODEL, _ALIAS)
        return
    uri = f"{client.get_run(run_id).info.artifact_uri}/bundle"
    known = [v for v in client.search_model_versions(f"name='{_MODEL}'") if v.run_id == run_id]
    version = known[0] if known else client.create_model_version(_MODEL, uri, run_id)
    client.set_registered_model_alias(_MODEL, _ALIAS, version.version)


def promotions() -> list[Promotion]:
    """Every change, the newest first.

    Raises:
        StoreSilentError: the registry does not answer.
    """
    store = open_store(settings().store)
    try:
        model = store.ask(lambda: store.client.get_registered_model(_MODEL))
    except MlflowException:
        return []  # it has answered: there is none
    # the first releases numbered them, "promotion.000000": those sort before any year
    tags = sorted((key, value) for key, value in model.tags.items() if key.startswith(_TAG))
    return [Promotion(**json.loads(value)) for _, value in reversed(tags)]


def _latest() -> str:
    changes = promotions()
    return changes[0].run_id if changes else bundle_in_use().run_id


def roll_back(*, why: str, who: str | None = None, expected: str | None = None) -> Promotion:
    """Go back to the last other model that was in use before the present one, without a check: it answered before.

    Models that are gone since are passed over.

    Args:
        why: the reason, kept with the change.
        who: the person, where nobody had to sign in; the machine's user without.
        expected: the run whose model is to be left; whichever is in use without.

    Raises:
        RunError: nothing was promoted yet, another model than expected is in use, or the registry does
            not answer.
    """
    require("release")
    changes = promotions()
    if not changes and bundle_in_use().run_id == BUNDLED:
        raise RunError("Nothing was promoted yet: the bundled model is in use.")
    now = changes[0].run_id if changes else None
    former = dict.fromkeys(each.run_id for each in changes if each.run_id != now)
    before = next((run_id for run_id in former if _can_answer(run_id)), BUNDLED)
    return _change(before, why, who, "", "", expected if expected is not None else now)


def _can_answer(run_id: str) -> bool:
    try:
        if run_id != BUNDLED:
            load_card(open_store(settings().store).artifact(run_id, "bundle"))
    except StoreSilentError:
        raise
    except (RunError, BundleError):
        return False
    return True


def ask_registry(known: LastKnown | None) -> InUse:
    """What the registry says of the model in use.

    Args:
        known: what it said last.

    Raises:
        RunError: the promoted bundle is gone.
        StoreSilentError: the registry does not answer.
    """
    chosen = settings()
    store = open_store(chosen.store)
    try:
        version = store.ask(lambda: store.client.get_model_version_by_alias(_MODEL, _ALIAS))
    except MlflowException:
        if known is not None and known.run_id != BUNDLED and not promotions():
            return as_known(known, _LOST)
        remember(chosen.store, store.name, BUNDLED, None)
        return InUse(chosen.bundle, BUNDLED)
    run_id = str(version.run_id)
    try:
        bundle = store.artifact(run_id, "bundle")
        load_card(bundle)
    except StoreSilentError:
        raise
    except (RunError, BundleError) as error:
        raise RunError(
            "The promoted model's bundle is gone or damaged; promote another one or roll back."
        ) from error
    remember(chosen.store, store.name, run_id, bundle)
    return InUse(bundle, run_id)
