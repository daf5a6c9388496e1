"""Which bundle answers on the classify page, told without MLflow where nothing was ever promoted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vmcore.models import BundleError, load_card
from vmcore.runs.errors import RunError, StoreSilentError
from vmcore.runs.in_use import LastKnown, last_known
from vmcore.runs.locks import alone
from vmcore.runs.store_address import database_file, store_name
from vmcore.settings import settings

BUNDLED = "bundled"
_SILENT_S = 10.0  # so long a registry that was silent is not asked again, so that pages do not wait
_silences: dict[tuple[Path, str], tuple[float, str]] = {}


@dataclass(frozen=True, slots=True)
class InUse:
    """The model that answers on the classify page.

    Attributes:
        bundle: its folder.
        run_id: the run that made it, or "bundled".
        concern: why it may not be the one that was promoted last, in sentences; else empty.
    """

    bundle: Path
    run_id: str
    concern: str = ""


def bundle_in_use() -> InUse:
    """The model that answers on the classify page.

    The bundled one answers only where the registry has said that no other one is promoted. Where it
    does not answer, the model that it named last goes on answering, with a concern.

    Raises:
        RunError: the promoted bundle is gone, or the registry does not answer and never did.
    """
    chosen = settings()
    registry = store_name(chosen.store)
    known = last_known(chosen.store, registry)
    if not database_file(chosen.store).is_file() and not chosen.shared_store:
        if known is None or known.run_id == BUNDLED:
            return InUse(chosen.bundle, BUNDLED)  # nothing can have been promoted
        return as_known(known, "The run store's database is gone.")
    began, why = _silences.get((chosen.store, registry), (-_SILENT_S, ""))
    if known is not None and time.monotonic() - began < _SILENT_S:
        return as_known(known, why)
    from vmcore.runs.registry import ask_registry  # noqa: PLC0415  it loads MLflow

    try:
        return ask_registry(known)
    except StoreSilentError as error:
        _silences[chosen.store, registry] = (time.monotonic(), str(error))
        return as_known(known, str(error))


@contextmanager
def changing_model_in_use() -> Iterator[None]:
    """One at a time, on all hosts: whoever promotes a model, or removes one that could be promoted.

    Raises:
        RunError: somebody else does for long.
    """
    place = settings().store / "registry.lock"
    with alone(place, "Somebody else is just promoting or deleting a model; look again."):
        yield


def forget_silence(folder: Path, registry: str) -> None:
    """It has just spoken, so it is asked again at once."""
    _silences.pop((folder, registry), None)


def as_known(known: LastKnown | None, why: str) -> InUse:
    """The model that was named last, or none at all."""
    if known is None:
        raise RunError(
            f"{why} It has never said here which model is in use, so none answers. Try again when "
            "it is back."
        )
    bundle = settings().bundle if known.run_id == BUNDLED else known.bundle
    try:
        name = load_card(bundle or "").name
    except BundleError as error:
        raise RunError(
            f"{why} The bundle of the model that was in use last is gone, so none answers."
        ) from error
    concern = (
        f"{why} The model that was in use when this was last known ({name}) goes on answering; "
        "whether another one was promoted since then cannot be told."
    )
    return InUse(bundle or settings().bundle, known.run_id, concern)
