"""What is to be sent to archives, kept until it arrived: each object at least once, by one UID.

An archive that gets an object twice has it once, for its SOP Instance UID stays the same.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from pathlib import Path

import pydicom
from filelock import FileLock, Timeout
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from vmcore.clinic.network.quiet import say_nothing_of_images
from vmcore.files import expanded
from vmcore.settings import DicomDestination, settings

log = logging.getLogger(__name__)

_FIRST_WAIT_S, _LONGEST_WAIT_S = 10.0, 900.0
_SILENCE_S = 30
_DAY_S = 86_400
_TABLE = """CREATE TABLE IF NOT EXISTS parcels (
    number INTEGER PRIMARY KEY, destination TEXT NOT NULL, content BLOB NOT NULL,
    state TEXT NOT NULL, tries INTEGER NOT NULL, due REAL NOT NULL, cause TEXT NOT NULL,
    origin TEXT NOT NULL, added REAL NOT NULL)"""
_BROKEN = "The connection ended before the destination had the object."
_SILENT = "The destination does not answer."
_CONTENT = "SELECT content FROM parcels WHERE number = ? AND state = ?"
_EMPTIED = "UPDATE parcels SET content = x'' WHERE number = ? AND state = ?"


class State(StrEnum):
    """How a parcel stands."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    """The destination refused it, or takes no such objects: trying again by itself would not help."""
    CANCELLED = "cancelled"


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
                "UPDATE parcels SET state = ?, content = x'' WHERE number = ? AND state != ?",
                (State.CANCELLED, number, State.SENT),
            )

    def purge(self, days: int, now: float | None = None) -> int:
        """Forget what was put in line more than ``days`` days ago, sent or not; how many those were."""
        oldest = (time.time() if now is None else now) - days * _DAY_S
        with closing(self._open()) as database, database:
            return database.execute("DELETE FROM parcels WHERE added < ?", (oldest,)).rowcount

    def deliver(
        self, destinations: Sequence[DicomDestination], calling: str, now: float | None = None
    ) -> int:
        """Send what is due; how many arrived. None while another process does it.

        Args:
            destinations: where objects may go; what is meant for another one waits with its cause.
            calling: the AE title that calls.
            now: the time, seconds since 1970; the clock's without it.
        """
        try:
            with FileLock(f"{self._path}.lock", timeout=0):
                return self._deliver(destinations, calling, time.time() if now is None else now)
        except Timeout:
            return 0

    def _deliver(self, destinations: Sequence[DicomDestination], calling: str, now: float) -> int:
        known = {destination.name: destination for destination in destinations}
        arrived, silent = 0, set()
        with closing(self._open()) as database:
            due = database.execute(
                "SELECT number, destination, tries FROM parcels "
                "WHERE state = ? AND due <= ? ORDER BY number",
                (State.WAITING, now),
            ).fetchall()
            for number, name, tries in due:
                if name in silent:  # who did not answer now is asked again in the next round
                    continue
                state, cause = State.WAITING, "No destination of the settings has this name."
                if name in known:
                    content = database.execute(_CONTENT, (number, State.WAITING)).fetchone()
                    if content is None:  # cancelled meanwhile
                        continue
                    state, cause = _sent(content[0], known[name], calling)
                if cause == _SILENT:
                    silent.add(name)
                wait = min(_FIRST_WAIT_S * 2.0 ** min(tries, 20), _LONGEST_WAIT_S)
                with database:  # what was cancelled meanwhile stays so, unless it is there
                    database.execute(
                        "UPDATE parcels SET state = ?, cause = ?, tries = tries + 1, due = ? "
                        "WHERE number = ? AND (state = ? OR ? = ?)",
                        (state, cause, now + wait, number, State.WAITING, state, State.SENT),
                    )
                    database.execute(_EMPTIED, (number, State.SENT))
                arrived += state is State.SENT
        return arrived

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, timeout=30)
        database.execute("PRAGMA secure_delete = ON")  # what was sent is not left in the file
        return database


def _sent(content: bytes, destination: DicomDestination, calling: str) -> tuple[State, str]:
    """One object that cannot even be encoded must not stop the others."""
    try:
        return send(content, destination, calling)
    except (OSError, RuntimeError):  # the connection broke in between
        return State.WAITING, _BROKEN
    except Exception as error:  # its text may quote the object
        log.error("An object could not be sent (%s).", type(error).__name__)  # noqa: TRY400
        return State.FAILED, "The object cannot be sent; the node's log says why."


def send(content: bytes, destination: DicomDestination, calling: str) -> tuple[State, str]:
    """Send one object by C-STORE (PS3.4, annex B); how it stands then, and why."""
    from pynetdicom import AE  # noqa: PLC0415  for those who send alone

    say_nothing_of_images()
    item = pydicom.dcmread(BytesIO(content))
    entity = AE(ae_title=calling)
    entity.connection_timeout = entity.acse_timeout = _SILENCE_S
    entity.dimse_timeout = entity.network_timeout = _SILENCE_S
    syntax = item.file_meta.TransferSyntaxUID
    plain = [ExplicitVRLittleEndian, ImplicitVRLittleEndian]  # either is made of the other
    entity.add_requested_context(item.SOPClassUID, plain if syntax in plain else syntax)
    link = entity.associate(destination.host, destination.port, ae_title=destination.ae_title)
    if link.is_rejected:
        return (
            State.WAITING,
            "The destination does not accept this AE title, or its own is another.",
        )
    if link.rejected_contexts and not link.accepted_contexts:
        return State.FAILED, "The destination takes no objects of this kind."
    if not link.is_established:
        return State.WAITING, _SILENT
    try:
        status = link.send_c_store(item)
    finally:
        if link.is_established:
            link.release()
    return _outcome(status.get("Status"))


def _outcome(code: int | None) -> tuple[State, str]:
    """What a C-STORE's status says (PS3.4, table B.2-1)."""
    if code is None:
        return State.WAITING, _BROKEN
    if code == 0 or code & 0xF000 == 0xB000:  # stored, if with a warning
        return State.SENT, ""
    if code & 0xFF00 == 0xA700:
        return State.WAITING, "The destination has no room now."
    return State.FAILED, f"The destination refused the object (status {code:04X})."
