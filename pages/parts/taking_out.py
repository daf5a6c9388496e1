"""Take pictures out of what is kept for training, note it in the audit trail, and say what is left to do."""

from __future__ import annotations

from pages.parts.plain import plain
from pages.parts.recording import trail
from vmcore.clinic import AuditError, Collection, note_taken_out
from vmcore.runs import acting, prepared_from
from vmcore.settings import settings


def take_out(collection: Collection, number: str) -> str:
    """Take out a picture, or all of a subject's, for good.

    Args:
        collection: where they are kept.
        number: the picture's (I…) or the subject's (S…).

    Returns:
        what was done, ready for Markdown.

    Raises:
        CollectionError, RunError: it cannot be done, or is not this person's to do.
    """
    gone = collection.remove(images=[number], subjects=[number])
    said = f"Pictures taken out for good: {len(gone)}."
    if settings().audit:
        try:
            note_taken_out(trail(), acting().name, collection.name, gone)
        except AuditError as error:
            said += f" It is not in the audit trail. {plain(error)}"
    left = ", ".join(plain(study.name) for study in prepared_from(collection.folder))
    return said + (f" Studies to prepare again, which may hold copies: {left}." if left else "")
