"""Take pictures out of a collection, and note in the audit trail what was taken out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Collection as Some
from dataclasses import dataclass

from vmcore.clinic.audit import AuditError, AuditTrail, Event, taken_out
from vmcore.clinic.collecting.collected import Collection
from vmcore.clinic.deidentification.folder import CollectionError
from vmcore.runs import acting, prepared_from


@dataclass(frozen=True, slots=True)
class TakenOut:
    """What became of pictures that were to be taken out.

    Attributes:
        pictures: how many went, for good.
        unknown: how many of them the audit trail does not know to have been kept.
        unnoted: why it is not in the audit trail, or "".
        studies: names of studies that may hold copies until they are prepared again.
    """

    pictures: int
    unknown: int
    unnoted: str
    studies: list[str]


def take_out(
    collection: Collection, numbers: Some[str], trail: Callable[[], AuditTrail] | None
) -> TakenOut:
    """Take pictures out for good, by their numbers (I…) or by whose they are (S…), and note it.

    Args:
        collection: where they are kept.
        numbers: of pictures and subjects.
        trail: gives the installation's audit trail; None where it keeps none.

    Raises:
        CollectionError: a number is not in the collection; then nothing is taken out. Or it cannot be changed.
        RunError: the old cases that models are held against are damaged; then nothing is taken out.
        NotAllowedError: it is not this person's to do.
    """
    rows = collection.rows()
    unknown = set(numbers) - rows.keys() - {row.subject_id for row in rows.values()}
    if unknown:
        raise CollectionError(f"{len(unknown)} of these numbers are not in the collection.")
    try:
        gone = collection.remove(images=numbers, subjects=numbers)
    except CollectionError as error:
        chosen = {n for n, row in rows.items() if n in numbers or row.subject_id in numbers}
        gone_from_list = chosen - collection.rows().keys()
        if not gone_from_list:
            raise
        unnoted = _noted(trail, collection, gone_from_list)[1]
        raise CollectionError(
            f"{error} The list has forgotten {len(gone_from_list)} of the pictures; their files go with the "
            f"next change of the collection.{unnoted and f' It is not in the audit trail. {unnoted}'}"
        ) from None
    left, unnoted = _noted(trail, collection, gone)
    studies = [study.name for study in prepared_from(collection.folder)]
    return TakenOut(len(gone), left, unnoted, studies)


def _noted(
    trail: Callable[[], AuditTrail] | None, collection: Collection, gone: Iterable[str]
) -> tuple[int, str]:
    """How many the trail does not know to have been kept, and why nothing is noted, or ""."""
    if trail is None:
        return 0, ""
    try:
        return note_taken_out(trail(), acting().name, collection.name, gone), ""
    except AuditError as error:  # they are gone all the same
        return 0, str(error)


def note_taken_out(trail: AuditTrail, person: str, collection: str, images: Iterable[str]) -> int:
    """Note that pictures were taken out, each as the last entry that says that it was kept.

    Args:
        trail: the installation's.
        person: who took them out.
        collection: where they were.
        images: their numbers there.

    Returns:
        how many could not be noted, because the trail does not know that they were kept.

    Raises:
        AuditError: the trail cannot be read or written.
    """
    wanted = set(images)
    last: dict[str, Event] = {}
    for entry in trail.entries():
        told = entry.event.details
        if entry.event.action == "kept" and told.get("collection") == collection:
            last[str(told.get("image"))] = entry.event
    for image in sorted(wanted & last.keys()):
        trail.append(taken_out(last[image], person))
    return len(wanted - last.keys())
