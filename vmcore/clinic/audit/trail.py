"""The audit trail: a database to which entries are only added, each holding the hash of the one before.

A changed, missing or moved entry breaks the chain. That its end was cut off is seen by a small file beside it
that names the newest entry. Who may write both, and knows how they are made, can still make another trail:
note the newest hash elsewhere where that matters.

One at a time opens the database, which is closed again before the next: SQLite's write-ahead log is made
for processes of one machine, and a store may be shared by several.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from vmcore.clinic.audit.entry import FIELDS, GENESIS, Entry, Event, chained, event_of, row_of
from vmcore.clinic.audit.findings import Head, findings_of
from vmcore.files import write_atomically

AUDIT_FILE = "audit.db"
_PATIENCE_S = 5.0
_TABLE = """
CREATE TABLE IF NOT EXISTS entries (
    sequence INTEGER PRIMARY KEY, at TEXT NOT NULL, person TEXT NOT NULL, action TEXT NOT NULL,
    pixels TEXT NOT NULL, bundle TEXT, anatomy TEXT, threshold REAL NOT NULL, label TEXT NOT NULL,
    probability REAL NOT NULL, width_mm REAL, withheld INTEGER NOT NULL, in_domain INTEGER,
    device TEXT, decision TEXT, details TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL
) STRICT
"""
_GUARDS = {
    "no_update": "BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'entries stay'); END",
    "no_delete": "BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'entries stay'); END",
    "in_order": (
        "BEFORE INSERT ON entries WHEN NEW.sequence <> "
        "(SELECT coalesce(max(sequence), 0) + 1 FROM entries) "
        "BEGIN SELECT RAISE(ABORT, 'entries follow each other'); END"
    ),
}


class AuditError(ValueError):
    """A trail that cannot be written or read, with one sentence that says why."""


class AuditTrail:
    """A trail on the disk, for any number of processes.

    Attributes:
        findings: what was wrong with it when it was opened, a sentence each.
    """

    def __init__(self, file: Path) -> None:
        """Open a trail and check it; begin one where there is none.

        Args:
            file: the database. Beside it lie ``FILE.newest``, which names the newest entry, and a lock.

        Raises:
            AuditError: it can be neither opened nor begun.
        """
        self.file = file
        self._newest = file.with_name(f"{file.name}.newest")
        with self._alone() as database:
            self._begin(database)
        self.findings = self.check()

    def append(self, event: Event) -> Entry:
        """Add an event.

        Returns:
            the entry, which is on the disk.

        Raises:
            AuditError: it could not be written; the chain is whole all the same.
        """
        names = ("sequence", *FIELDS, "previous", "hash")
        places = ", ".join(f":{name}" for name in names)
        with self._alone() as database:
            self._begin(database)
            database.execute("BEGIN IMMEDIATE")
            row = database.execute(
                "SELECT sequence, hash FROM entries ORDER BY sequence DESC LIMIT 1"
            ).fetchone()
            head = self._head()
            sequence, before = (row["sequence"], row["hash"]) if row else (0, GENESIS)
            entry = chained(event, sequence + 1, before)
            values = row_of(event) | {
                "sequence": entry.sequence, "previous": entry.previous, "hash": entry.hash,
            }  # fmt: skip
            database.execute(
                f"INSERT INTO entries ({', '.join(names)}) VALUES ({places})",  # noqa: S608
                values,
            )
            database.execute("COMMIT")
            if _fits(head, sequence, database):  # what was cut off or exchanged stays to be seen
                with contextlib.suppress(OSError):  # the entry is there; the next one notes itself
                    self._write_head(Head(entry.sequence, entry.hash))
        return entry

    def entries(self) -> list[Entry]:
        """All entries by their numbers; those that cannot be read are left out (:meth:`check` tells).

        Raises:
            AuditError: the trail cannot be read.
        """
        return [entry for row in self._rows() if (entry := _entry(row)) is not None]

    def check(self) -> list[str]:
        """What is wrong with the trail, a sentence each; nothing where the chain holds.

        Raises:
            AuditError: the trail cannot be read at all.
        """
        with self._alone() as database:
            rows = [dict(row) for row in database.execute(_ALL)]
            found = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            guards = {row["name"]: row["sql"] for row in found}
            head = self._head()
        missing = [
            name for name, words in _GUARDS.items() if not guards.get(name, "").endswith(words)
        ]
        return findings_of([(row, _entry(row)) for row in rows], head, missing)

    def newest(self) -> Head | None:
        """The newest entry's number and hash, as the file beside the trail has it."""
        return self._head()

    def _rows(self) -> list[dict[str, Any]]:
        with self._alone() as database:
            return [dict(row) for row in database.execute(_ALL)]

    @contextmanager
    def _alone(self) -> Iterator[sqlite3.Connection]:
        """The database, which nobody else has open meanwhile."""
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.file.with_name(f"{self.file.name}.lock"), timeout=_PATIENCE_S)
            with lock, closing(sqlite3.connect(self.file, timeout=_PATIENCE_S)) as database:
                database.row_factory = sqlite3.Row
                database.isolation_level = None  # transactions begin where the code says so
                database.execute("PRAGMA synchronous = FULL")
                yield database
        except Timeout as error:
            raise AuditError("The audit trail is in use by somebody else and stays so.") from error
        except sqlite3.OperationalError as error:
            raise AuditError(
                "The audit trail cannot be written: its disk is full, or its folder may not be "
                "written to."
            ) from error
        except sqlite3.DatabaseError as error:
            raise AuditError(
                "The audit trail is damaged: its file is no longer a database that can be used."
            ) from error
        except OSError as error:
            raise AuditError(
                "The audit trail cannot be written: its disk is full, or its folder may not be "
                "written to."
            ) from error

    def _begin(self, database: sqlite3.Connection) -> None:
        """Make the table where there is none; guards that were taken away stay so, to be found."""
        known = database.execute("SELECT count(*) FROM sqlite_master WHERE name = 'entries'")
        if known.fetchone()[0]:
            return
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("BEGIN IMMEDIATE")
        database.execute(_TABLE)
        for name, words in _GUARDS.items():
            database.execute(f"CREATE TRIGGER {name} {words}")
        database.execute("COMMIT")

    def _head(self) -> Head | None:
        try:
            said = json.loads(self._newest.read_bytes())
            return Head(int(said["sequence"]), str(said["hash"]))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def _write_head(self, head: Head) -> None:
        said = json.dumps({"sequence": head.sequence, "hash": head.hash})
        write_atomically(self._newest, said + "\n")


def _fits(head: Head | None, last: int, database: sqlite3.Connection) -> bool:
    """Whether the noted newest entry is in the trail, or none can have been noted so far."""
    if head is None:
        return last <= 1
    kept = database.execute("SELECT hash FROM entries WHERE sequence = ?", (head.sequence,))
    row = kept.fetchone()
    return row is not None and row["hash"] == head.hash


_ALL = "SELECT * FROM entries ORDER BY sequence"


def _entry(row: dict[str, Any]) -> Entry | None:
    try:
        return Entry(row["sequence"], event_of(row), row["previous"], row["hash"])
    except (ValueError, KeyError, TypeError):
        return None
