"""What came in and how it stands, for people who look through it; it names nobody."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from vmcore.clinic.network.answers import Answer, Answers
from vmcore.clinic.network.inbox import Inbox
from vmcore.reporting import LearningValue, learning_value


@dataclass(frozen=True, slots=True)
class Received:
    """One received instance.

    Attributes:
        name: its file's name in the inbox, a digest.
        at: when it came, UTC.
        answer: what was said of it; None while it waits.
    """

    name: str
    at: datetime
    answer: Answer | None


def worklist(inbox: Inbox, answers: Answers) -> list[Received]:
    """Everything that is in the inbox, the newest first."""
    known = answers.all()
    rows = []
    for path in inbox.instances():
        try:
            came = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        except FileNotFoundError:  # removed meanwhile
            continue
        rows.append(Received(path.name, came, known.get(path.name)))
    return rows


def most_to_learn(
    rows: Iterable[Received], decided: Collection[str] = ()
) -> list[tuple[Received, LearningValue]]:
    """Judged instances that nobody has decided about, those first of which a label would teach most.

    Args:
        rows: of :func:`worklist`.
        decided: names of those that need no label any more.
    """
    worth = [
        (row, learning_value(row.answer.folds, row.answer.width_mm, row.answer.width_deviation_mm))
        for row in rows
        if row.answer is not None and row.answer.folds and row.name not in decided
    ]
    return sorted(worth, key=lambda one: -one[1].bits)
