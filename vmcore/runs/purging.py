"""Remove deleted runs from the run store's database, so that nothing of them can be read there."""

from __future__ import annotations

import contextlib
import io
import sqlite3
import warnings
from contextlib import closing


def purge_deleted(uri: str, run_id: str) -> None:
    """Remove a run that was marked deleted, and overwrite where it stood.

    Args:
        uri: of the SQLite database, ``sqlite:///PATH``.
        run_id: the run; one that is not marked deleted stays.
    """
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # it advises on servers, and says what it deletes
        from mlflow.cli import gc  # noqa: PLC0415  slow to import, and rarely needed

        gc.main(
            ["--backend-store-uri", uri, "--tracking-uri", uri, "--run-ids", run_id],
            standalone_mode=False,
        )
    with closing(sqlite3.connect(uri.removeprefix("sqlite:///"), timeout=30)) as connection:
        connection.execute("VACUUM")  # what was deleted stands in free pages until then
