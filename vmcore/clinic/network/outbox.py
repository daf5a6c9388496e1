"""What is to be sent to archives, kept until it arrived: each object at least once, by one UID.

An archive that gets an object twice has it once, for its SOP Instance UID stays the same.
"""

from __future__ import annotations

import hashlib
import logging
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from filelock import FileLock, Timeout
from pydicom.dataset import Dataset

from vmcore.clinic.network.sending import CROWDED, SILENT, State, send
from vmcore.files import expanded
from vmcore.settings import DicomDestination, WebArchive, settings

log = logging.getLogger(__name__)

_FIRST_WAIT_S, _LONGEST_WAIT_S = 10.0, 900.0
_DAY_S = 86_400
_TOO_OLD = "It had not arrived when its days were over (VMCORE_NODE_DAYS)."
_SENDING = "It is being sent."
_NOTED = "UPDATE parcels SET cause = ? WHERE number = ? AND state = ?"
_TABLE = """CREATE TABLE IF NOT EXISTS parcels (
    number INTEGER PRIMARY KEY, destination TEXT NOT NULL, content BLOB NOT NULL,
    state TEXT NOT NULL, tries INTEGER NOT NULL, due REAL NOT NULL, cause TEXT NOT NULL,
    origin TEXT NOT NULL, added REAL NOT NULL)"""
_CONTENT = "SELECT content FROM parcels WHERE number = ? AND state = ?"
_EMPTIED = "UPDATE parcels SET content = x'' WHERE number = ? AND state = ?"

Destination = DicomDestination | WebArchive


@dataclass(frozen=True)
class Parcel:
    """One object on its way to one destination; ``cause`` says why it is not there yet."""

    number: int
    destination: str
    state: State
    tries: int
    cause: str


class Outbox:
    """Objects on their way, in one SQLite file that outlives a restart.

    Args:
        path: the file; ``outbox.db`` in the store without it.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or expanded(settings().store) / "outbox.db"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.touch(mode=0o600)
        with closing(self._open()) as database, database:
            database.execute(_TABLE)

    def add(self, objects: Sequence[Dataset], destination: str, origin: str = "") -> list[int]:
        """Put objects in line for a destination, all or none; their numbers.

        Args:
            objects: what is sent.
            destination: its name.
            origin: what they were made of, a name without identity; objects of one origin are put in
                line once for each destination, and no number is given for those that were there.
        """
        contents = []
        for each in objects:
            stream = BytesIO()
            each.save_as(stream, enforce_file_format=True)
            contents.append(stream.getvalue())
        with closing(self._open()) as database, database:
            database.execute("BEGIN IMMEDIATE")
            known = "SELECT 1 FROM parcels WHERE origin = ? AND destination = ?"
            if origin and database.execute(known, (origin, destination)).fetchone():
                return []
            return [
                int(
                    database.execute(
                        "INSERT INTO parcels "
                        "(destination, content, state, tries, due, cause, origin, added) "
                        "VALUES (?, ?, ?, 0, 0, '', ?, ?)",
                        (destination, content, State.WAITING, origin, time.time()),
                    ).lastrowid
                    or 0
                )
                for content in contents
            ]

    def parcels(self) -> list[Parcel]:
        """All of them, the newest first."""
        with closing(self._open()) as database:
            rows = database.execute(
                "SELECT number, destination, state, tries, cause FROM parcels ORDER BY number DESC"
            ).fetchall()
        return [Parcel(row[0], row[1], State(row[2]), row[3], row[4]) for row in rows]

    def retry(self, number: int) -> None:
        """Send again, as if for the first time, what failed or waits."""
        with closing(self._open()) as database, database:
            database.execute(
                "UPDATE parcels SET state = ?, due = 0, tries = 0 WHERE number = ? AND state IN (?, ?)",
                (State.WAITING, number, State.WAITING, State.FAILED),
            )

    def cancel(self, number: int) -> None:
        """Send it no more and forget its content; what was sent stays sent."""
        with closing(self._open()) as database, database:
            database.execute(
                "UPDATE parcels SET state = ?, content = x'' WHERE number = ? AND state IN (?, ?)",
                (State.CANCELLED, number, State.WAITING, State.FAILED),
            )

    def purge(self, days: int, now: float | None = None) -> int:
        """Forget what was put in line more than ``days`` days ago; how many those were.

        What had not arrived is given up and said so: its row stays as long again, without its content, and
        its origin may be put in line anew.
        """
        oldest = (time.time() if now is None else now) - days * _DAY_S
        with closing(self._open()) as database, database:
            given_up = database.execute(
                "UPDATE parcels SET state = ?, content = x'', origin = '', cause = ? "
                "WHERE added < ? AND state IN (?, ?)",
                (State.GIVEN_UP, _TOO_OLD, oldest, State.WAITING, State.FAILED),
            ).rowcount
            forgotten = database.execute(
                "DELETE FROM parcels WHERE added < ? AND (state != ? OR added < ?)",
                (oldest, State.GIVEN_UP, oldest - days * _DAY_S),
            ).rowcount
        if given_up:
            log.warning("Objects given up, not arrived after %d days: %d.", days, given_up)
        return given_up + forgotten

    def due(self, now: float | None = None) -> list[str]:
        """Names of the destinations for which something is to be sent now."""
        with closing(self._open()) as database:
            rows = database.execute(
                "SELECT destination FROM parcels WHERE state = ? AND due <= ? "
                "GROUP BY destination ORDER BY min(number)",
                (State.WAITING, time.time() if now is None else now),
            ).fetchall()
        return [name for (name,) in rows]

    def deliver(
        self, destinations: Sequence[Destination], calling: str, now: float | None = None
    ) -> int:
        """Send what is due, to one destination after the other; how many arrived.

        Args:
            destinations: where objects may go; what is meant for another one waits with its cause.
            calling: the AE title that calls.
            now: the time, seconds since 1970; the clock's without it.
        """
        now = time.time() if now is None else now
        return sum(self.deliver_to(name, destinations, calling, now) for name in self.due(now))

    def deliver_to(
        self,
        name: str,
        destinations: Sequence[Destination],
        calling: str,
        now: float | None = None,
    ) -> int:
        """Send what is due to one destination; how many arrived. None while somebody else does it.

        Args:
            name: the destination's.
            destinations: those of the settings, as of :meth:`deliver`.
            calling: the AE title that calls.
            now: the time, seconds since 1970; the clock's without it.
        """
        known = next((one for one in destinations if one.name == name), None)
        try:
            with FileLock(self.lock_of(name), timeout=0):
                return self._deliver(name, known, calling, time.time() if now is None else now)
        except Timeout:
            return 0

    def lock_of(self, name: str) -> Path:
        """What is locked by who sends to a destination."""
        of_name = hashlib.sha256(name.encode()).hexdigest()[:12]
        return self._path.with_name(f"{self._path.name}-{of_name}.lock")

    def _deliver(self, name: str, known: Destination | None, calling: str, now: float) -> int:
        arrived = 0
        with closing(self._open()) as database:
            due = database.execute(
                "SELECT number, tries, cause FROM parcels "
                "WHERE state = ? AND due <= ? AND destination = ? ORDER BY number",
                (State.WAITING, now, name),
            ).fetchall()
            for number, tries, before in due:
                state, cause = State.WAITING, "No destination of the settings has this name."
                if known is not None:
                    content = database.execute(_CONTENT, (number, State.WAITING)).fetchone()
                    if content is None:  # cancelled meanwhile
                        continue
                    again = bool(tries or before)  # who sends again by hand has no tries left over
                    with database:  # whoever ends this process now: it may have arrived
                        database.execute(_NOTED, (_SENDING, number, State.WAITING))
                    state, cause = send(content[0], known, calling, again=again)
                wait = min(_FIRST_WAIT_S * 2.0 ** min(tries, 20), _LONGEST_WAIT_S)
                with database:  # what was cancelled meanwhile stays so, unless it is there
                    database.execute(
                        "UPDATE parcels SET state = ?, cause = ?, tries = tries + 1, due = ? "
                        "WHERE number = ? AND (state = ? OR ? = ?)",
                        (state, cause, now + wait, number, State.WAITING, state, State.SENT),
                    )
                    database.execute(_EMPTIED, (number, State.SENT))
                arrived += state is State.SENT
                if cause in {SILENT, CROWDED}:  # it is asked again in the next round
                    break
        return arrived

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, timeout=30)
        database.execute("PRAGMA secure_delete = ON")  # what was sent is not left in the file
        return database
