"""A store that was moved, or brought back from a backup: what it holds names the place where it was made.

MLflow's database names each run's files by their whole address, and plans of older versions name their studies by
their whole path. Where the store lies elsewhere now, both are read as the store's own.
"""

from __future__ import annotations

import logging
import sqlite3
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

from vmcore.data.containment import place_told
from vmcore.settings import settings

log = logging.getLogger(__name__)
_ADDRESSES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


def local_path(uri: str) -> Path | None:
    """The path of an address of a file; None where it lies with a server."""
    parsed = urlparse(uri)
    return Path(url2pathname(parsed.path)) if parsed.scheme in {"file", ""} else None


def adopt_artifacts(database: sqlite3.Connection, experiment: str, artifacts: Path) -> None:
    """Have a store's database name the files that lie beside it, where it names those of a former place.

    Nothing is changed where both places are the same folder by another name. What has not come along, and is still
    at its former place, goes on being named there.

    Args:
        database: of the run store.
        experiment: whose runs they are.
        artifacts: where the store's files lie.

    Raises:
        sqlite3.Error: the database cannot be read or written.
    """
    if not artifacts.is_dir() or not _columns(database, "experiments"):
        return
    asked = "select artifact_location from experiments where name = ?"
    former = str((database.execute(asked, (experiment,)).fetchone() or ("",))[0] or "")
    place = local_path(former) if former else None
    if place is None or _same(place, artifacts):
        return
    now = artifacts.resolve().as_uri()
    with database:
        for table, column in _ADDRESSES:
            if column not in _columns(database, table):
                continue  # of another version
            begins = f"select distinct {column} from {table} where substr({column}, 1, ?) = ?"  # noqa: S608  names of this file
            for (address,) in database.execute(begins, (len(former), former)).fetchall():
                if _came_along(address, former, now):
                    database.execute(
                        f"update {table} set {column} = ? where {column} = ?",  # noqa: S608  names of this file
                        (now + address.removeprefix(former), address),
                    )
    log.warning("The store lies elsewhere than before; its runs' files are taken from here now.")


def _came_along(address: str, former: str, now: str) -> bool:
    rest = address.removeprefix(former)
    if rest and not rest.startswith("/"):
        return False  # another folder whose name begins alike
    here, there = local_path(now + rest), local_path(address)
    return here is None or there is None or _is_dir(here) or not _is_dir(there)


def _columns(database: sqlite3.Connection, table: str) -> set[str]:
    return {str(row[1]) for row in database.execute(f"pragma table_info({table})")}


def planned_place(told: Path) -> Path:
    """Where a study or corpus lies that a plan names.

    Older versions named those of the store by their whole path; where that is gone, the store's own of that name is
    taken. What the images are is known by their digests.
    """
    place = place_told(str(told))
    own = settings().store / place.parent.name / place.name
    kept = place.parent.name in {"studies", "corpora"}
    return own.resolve() if kept and _is_dir(own) and not _is_dir(place) else place


def _is_dir(place: Path) -> bool:
    """Whether there is such a folder that may be looked at."""
    try:
        return place.is_dir()
    except OSError:
        return False


def _same(one: Path, other: Path) -> bool:
    if one == other.resolve():
        return True
    with suppress(OSError):
        return one.samefile(other)
    return False
