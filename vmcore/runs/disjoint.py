"""By what a run's folds and its test set are disjoint, as far as it is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

UNKNOWN_SUBJECTS = "Images that name no subject"
"""Where a finished run's card keeps their number, since its study may change later."""
SplitLevel = Literal["subject", "subject where known", "image", "unknown"]


def unknown_subjects(training_data: Mapping[str, Any]) -> int | None:
    """How many images named no subject; None where the card of an older run does not say."""
    count = training_data.get(UNKNOWN_SUBJECTS)
    return None if count is None else int(count)


def split_level(asked: str, unknown: int | None, images: int) -> SplitLevel:
    """What no two parts share.

    Args:
        asked: "subject" or "image" as planned, anything else where it is not known.
        unknown: images that name no subject and count as subjects of their own, None if not known.
        images: all images.

    Returns:
        "subject where known" where some images name no subject, "image" where all do not.
    """
    if asked == "image":
        return "image"
    if asked != "subject" or unknown is None:
        return "unknown"
    if unknown == 0:
        return "subject"
    return "subject where known" if unknown < images else "image"
