"""Take pictures out of what is kept for training, note it in the audit trail, and say what is left to do."""

from __future__ import annotations

from pages.parts.plain import plain
from pages.parts.recording import trail
from vmcore.clinic import Collection
from vmcore.clinic import take_out as remove
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
    told = remove(collection, {number}, trail if settings().audit else None)
    said = f"Pictures taken out for good: {told.pictures}."
    if told.unnoted:
        said += f" It is not in the audit trail. {plain(told.unnoted)}"
    if told.unknown:
        said += f" The audit trail does not know that {told.unknown} of them were kept."
    left = ", ".join(plain(name) for name in told.studies)
    return said + (f" Studies to prepare again, which may hold copies: {left}." if left else "")
