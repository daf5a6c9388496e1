"""Note in the audit trail what was taken out of a collection."""

from __future__ import annotations

from collections.abc import Iterable

from vmcore.clinic.audit import AuditTrail, Event, taken_out


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
