"""Is the chain whole? Each break in a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vmcore.clinic.audit.entry import GENESIS, Entry, entry_hash

_MOST = 20  # findings that are told one by one


@dataclass(frozen=True, slots=True)
class Head:
    """The newest entry, as the file beside the trail names it: its number and its hash."""

    sequence: int
    hash: str


def findings_of(
    rows: Sequence[tuple[Mapping[str, Any], Entry | None]],
    head: Head | None,
    missing_guards: Sequence[str] = (),
) -> list[str]:
    """What is wrong with a chain, a sentence each.

    Args:
        rows: each row by its number, and the entry that it holds, None where it cannot be read.
        head: the newest entry, as it was noted; None where nothing was.
        missing_guards: names of the database's guards against changes that are gone.
    """
    said = []
    before, expected = GENESIS, 1
    for row, entry in rows:
        number, kept = row["sequence"], row["hash"]
        if number > expected:
            gone = (
                f"Entry {expected} is"
                if number == expected + 1
                else f"Entries {expected} to {number - 1} are"
            )
            said.append(f"{gone} missing.")
        if entry is None or entry_hash(entry.event, entry.sequence, entry.previous) != kept:
            said.append(f"Entry {number} was changed after it was written.")
        elif number == expected and row["previous"] != before:
            said.append(
                f"Entry {number} does not follow the one before it: one of both was exchanged or moved."
            )
        before, expected = kept, number + 1
    said += _end(rows, head, expected - 1)
    if missing_guards:
        said.append("The database's guards against changing and deleting entries were taken away.")
    if len(said) > _MOST:
        said = [*said[:_MOST], f"There are {len(said) - _MOST} more findings."]
    return said


def _end(
    rows: Sequence[tuple[Mapping[str, Any], Entry | None]], head: Head | None, last: int
) -> list[str]:
    """Whether the noted newest entry is there; one that was written in a crash may not be noted yet."""
    if head is None:
        missing = "The note of the newest entry is missing, so that nobody can say whether later ones were cut off."
        return [missing] if rows else []
    if head.sequence > last:
        return [
            f"The trail was cut off: it ends with entry {last}, but entry {head.sequence} was written."
        ]
    noted = next((row["hash"] for row, _ in rows if row["sequence"] == head.sequence), None)
    if noted != head.hash:
        return [
            f"Entry {head.sequence} is not the one that was noted as the newest: it was exchanged."
        ]
    return []
