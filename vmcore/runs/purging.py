"""Remove what was deleted for good: rows and free pages of the database, folders left by a crash."""

from __future__ import annotations

import logging
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

DELETED = ".deleted-"
"""How the name of a folder begins that is just being removed."""


def purge_deleted(uri: str, run_id: str) -> None:
    """Remove a run that was marked deleted from the database, and overwrite where it stood.

    Where that cannot be done, as while others write, the run stays marked, and the log says so.

    Args:
        uri: of the SQLite database, ``sqlite:///PATH``.
        run_id: the run.
    """
    from mlflow.store.tracking.sqlalchemy_store import (  # noqa: PLC0415  slow to import
        SqlAlchemyStore,
    )

    database = Path(uri.removeprefix("sqlite:///"))
    try:
        kept = (database.parent / "artifacts").as_uri()
        store: Any = SqlAlchemyStore(uri, kept)  # type: ignore[no-untyped-call]
        # as mlflow gc does, which would also set the address of the store for this whole process
        store._hard_delete_run(run_id)  # noqa: SLF001
        with closing(sqlite3.connect(database, timeout=30)) as connection:
            connection.execute("VACUUM")  # what was deleted stands in free pages until then
    except Exception as error:  # the database's driver raises its own kinds
        log.warning("A deleted run's rows stay in the database (%s).", type(error).__name__)


def sweep(*folders: Path) -> None:
    """Remove what an interrupted deletion has left in folders of runs or studies."""
    for folder in folders:
        for left in folder.glob(f"{DELETED}*"):
            shutil.rmtree(left, ignore_errors=True)
