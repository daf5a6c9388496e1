"""A store that was moved, or brought back from a backup: what it holds names the place where it was made.

MLflow's database names each run's files by their whole address, and a run's plan its studies by their path. Where
the store lies elsewhere now, both are read as the store's own.
"""

from __future__ import annotations

import logging
import sqlite3
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

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

    Nothing is changed where both places are the same folder by another name, and where no files came along.

    Args:
        database: of the run store.
        experiment: whose runs they are.
        artifacts: where the store's files lie.

    Raises:
        sqlite3.Error: the database cannot be read or written.
    """
    known = "select 1 from sqlite_master where name = 'model_versions'"
    if database.execute(known).fetchone() is None:
        return  # a new one
    asked = "select artifact_location from experiments where name = ?"
    former = str((database.execute(asked, (experiment,)).fetchone() or ("",))[0] or "")
    place = local_path(former) if former else None
    if place is None or _same(place, artifacts) or not artifacts.is_dir():
        return
    with database:
        for table, column in _ADDRESSES:
            database.execute(
                f"update {table} set {column} = ? || substr({column}, ?) "  # noqa: S608  names of this file
                f"where {column} = ? or substr({column}, 1, ?) = ?",
                (
                    artifacts.resolve().as_uri(),
                    len(former) + 1,
                    former,
                    len(former) + 1,
                    f"{former}/",
                ),
            )
    log.info("The store lies elsewhere now; its runs' files are taken from there.")


def here(place: Path, folder: Path) -> Path:
    """A study's or corpus's folder that a plan names: there, or of that name in this store's where it is gone."""
    own = folder / place.name
    return own if own.is_dir() and not place.is_dir() else place


def _same(one: Path, other: Path) -> bool:
    if one == other.resolve():
        return True
    with suppress(OSError):
        return one.samefile(other)
    return False
