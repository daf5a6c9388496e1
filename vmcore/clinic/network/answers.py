"""What the models said of received instances: numbers and words, neither pixels nor identity.

One row an instance, known by its file's name in the inbox, in one SQLite file that outlives a restart.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from vmcore.files import expanded
from vmcore.reporting import Verdict, verdict
from vmcore.reporting.case import ReportedCase, picture_digest
from vmcore.settings import settings

ANSWERS_FILE = "answers.db"
_MOST_TRIES = (
    3  # a process that dies at the same instance again and again does not come to the others
)
_NOT_JUDGED = "It cannot be judged: the program ended each time that it was tried."
_TABLE = """CREATE TABLE IF NOT EXISTS answers (
    name TEXT PRIMARY KEY, state TEXT NOT NULL, tries INTEGER NOT NULL, error TEXT NOT NULL,
    device TEXT, frames INTEGER, frame INTEGER, headline TEXT, tone TEXT, label TEXT,
    probability REAL, folds TEXT NOT NULL, threshold REAL, width_mm REAL, in_domain INTEGER,
    bundle TEXT, anatomy TEXT, pixels TEXT, sent TEXT NOT NULL, width_deviation_mm REAL)"""


class Judged(StrEnum):
    """How a received instance stands."""

    BEGUN = "begun"
    ANSWERED = "answered"
    REFUSED = "refused"
    """It is no scan that can be read."""
    FAILED = "failed"
    """Reading went well and judging did not."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said of one instance.

    Attributes:
        name: its file's name in the inbox.
        state: how it stands.
        tries: how often it was begun.
        error: one sentence where it was refused or has failed; else empty.
        device: the scanner's manufacturer and model, or None.
        frames: how many it has; ``frame`` is the judged one, from 0.
        headline: the verdict's; ``tone`` its colour's name (:class:`vmcore.reporting.Verdict`).
        label: what the classifier called it; ``probability``: of ventriculomegaly, 0..1.
        folds: each fold's probability.
        threshold: from where on the classifier calls it ventriculomegaly, 0..1.
        width_mm: the measured atrial width, or None.
        in_domain: whether the classifier knows such pictures; None where it cannot tell.
        bundle: the classifier's digest; ``anatomy``: the anatomy model's.
        pixels: SHA-256 of the cleaned picture.
        sent: what became of the report's objects, one sentence; empty where none were asked for.
        width_deviation_mm: one standard deviation of ``width_mm``, or None.
    """

    name: str
    state: Judged
    tries: int = 0
    error: str = ""
    device: str | None = None
    frames: int | None = None
    frame: int | None = None
    headline: str | None = None
    tone: str | None = None
    label: str | None = None
    probability: float | None = None
    folds: tuple[float, ...] = ()
    threshold: float | None = None
    width_mm: float | None = None
    in_domain: bool | None = None
    bundle: str | None = None
    anatomy: str | None = None
    pixels: str | None = None
    sent: str = ""
    width_deviation_mm: float | None = None


_FIELDS = tuple(field.name for field in fields(Answer))


def answer_of(name: str, case: ReportedCase, sent: str = "") -> Answer:
    """The answer that a case gives about an instance."""
    analysis, said = case.analysis, _said(case)
    prediction, atrium = analysis.prediction, analysis.anatomy and analysis.anatomy.atrium
    return Answer(
        name, Judged.ANSWERED, 1, "", analysis.scan.device, len(analysis.scan.frames),
        analysis.frame, said.headline, said.tone, prediction.label, float(prediction.probability),
        tuple(float(value) for value in prediction.fold_probabilities), float(prediction.threshold),
        None if not atrium or atrium.width_mm is None else float(atrium.width_mm),
        prediction.in_domain, analysis.bundle_digest, analysis.anatomy_digest,
        picture_digest(analysis.clean.image), sent,
        None if not atrium else atrium.uncertainty_mm,
    )  # fmt: skip


def _said(case: ReportedCase) -> Verdict:
    return verdict(case.analysis, case.grades)


class Answers:
    """Answers by instance, for any number of readers and one writer.

    Args:
        path: the file; ``answers.db`` in the store without it.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or expanded(settings().store) / ANSWERS_FILE
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.touch(mode=0o600)
        with closing(self._open()) as database, database:
            database.execute(_TABLE)
            known = {row[1] for row in database.execute("PRAGMA table_info(answers)")}
            if "width_deviation_mm" not in known:  # made by an older version
                database.execute("ALTER TABLE answers ADD COLUMN width_deviation_mm REAL")

    def all(self) -> dict[str, Answer]:
        """Every answer by its instance's name; read afresh."""
        with closing(self._open()) as database:
            rows = database.execute(f"SELECT {', '.join(_FIELDS)} FROM answers").fetchall()  # noqa: S608
        return {row[0]: _answer(row) for row in rows}

    def begin(self, name: str) -> bool:
        """Note that judging begins; False where it was begun too often, which is kept as a failure."""
        known = self.all().get(name, Answer(name, Judged.BEGUN))
        if known.tries >= _MOST_TRIES:
            self.keep(replace(known, state=Judged.FAILED, error=_NOT_JUDGED))
            return False
        self.keep(replace(known, tries=known.tries + 1))
        return True

    def may_begin_again(self, name: str) -> bool:
        """Whether it was not begun too often yet."""
        known = self.all().get(name)
        return known is None or known.tries < _MOST_TRIES

    def put_back(self, name: str) -> None:
        """Take back that judging began: the instance was not the reason that it came to nothing."""
        known = self.all().get(name)
        if known is not None:
            self.keep(replace(known, tries=max(known.tries - 1, 0)))

    def keep(self, answer: Answer) -> None:
        """Put an answer in the place of what was known of its instance."""
        row = asdict(answer) | {"folds": json.dumps(answer.folds), "state": str(answer.state)}
        places = ", ".join(f":{name}" for name in _FIELDS)
        with closing(self._open()) as database, database:
            database.execute(f"INSERT OR REPLACE INTO answers VALUES ({places})", row)  # noqa: S608

    def keep_only(self, names: Iterable[str]) -> int:
        """Remove the answers about instances that are gone; how many those were."""
        gone = [(name,) for name in self.all().keys() - set(names)]
        if gone:
            with closing(self._open()) as database, database:
                database.executemany("DELETE FROM answers WHERE name = ?", gone)
        return len(gone)

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, timeout=30)
        database.execute("PRAGMA secure_delete = ON")
        return database


def _answer(row: tuple[Any, ...]) -> Answer:
    kept: dict[str, Any] = dict(zip(_FIELDS, row, strict=True))
    in_domain = kept["in_domain"]
    return Answer(
        **kept
        | {
            "state": Judged(kept["state"]),
            "folds": tuple(json.loads(kept["folds"])),
            "in_domain": None if in_domain is None else bool(in_domain),
        }
    )
