"""The last thing that the registry said of the model in use, kept in the store: ``in-use.json``.

Where the registry does not answer, that model goes on answering; never another one by guess.
"""

from __future__ import annotations

import logging
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from vmcore.files import write_atomically

log = logging.getLogger(__name__)
_FILE = "in-use.json"


class LastKnown(BaseModel):
    """What the registry last said."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    registry: str
    """Which registry: the name of its run store."""
    run_id: str
    """The promoted run, or "bundled"."""
    bundle: Path | None = None
    """The run's bundle, below the store where it lies there."""


def last_known(store: Path, registry: str) -> LastKnown | None:
    """What a registry last said, or None where it never did."""
    try:
        known = LastKnown.model_validate_json((store / _FILE).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        log.warning("%s cannot be read (%s).", _FILE, type(error).__name__)
        return None
    if known.registry != registry:
        return None
    if known.bundle is None:
        return known
    return known.model_copy(update={"bundle": store / known.bundle})  # an absolute one stays


def remember(store: Path, registry: str, run_id: str, bundle: Path | None) -> None:
    """Keep what a registry has just said; written only where it is something new."""
    if bundle is not None and bundle.is_relative_to(store):
        bundle = bundle.relative_to(store)
    text = LastKnown(registry=registry, run_id=run_id, bundle=bundle).model_dump_json() + "\n"
    try:
        if not (store / _FILE).is_file() or (store / _FILE).read_text() != text:
            write_atomically(store / _FILE, text)
    except OSError as error:  # the answer is good all the same
        log.warning("%s cannot be written (%s).", _FILE, type(error).__name__)
