"""Screening brains with the heads that the base network finds in them.

Nobody outlined these heads. A found one lets its picture be shown level, as the second look shows
it, so that what people said is visible in a plane is learnt there too; as an outline it teaches
nothing.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from vmcore.anatomy import HeadEllipse, find_anatomy
from vmcore.anatomy.finding import Forward
from vmcore.files import write_atomically
from vmcore.training.outlined import OutlinedPicture

SOURCE = "brain-planes"
_PER_SUBJECT = 2  # of each kind of plane: many are turned or blurred copies of one another


def with_heads(
    forward: Forward, pictures: Sequence[OutlinedPicture], kept: Path
) -> list[OutlinedPicture]:
    """The pictures, with a head in screening brains where one is found.

    Args:
        forward: the base network.
        pictures: of all sources.
        kept: JSON file of the found heads by subject and content; made if it is not there.
    """
    if not kept.is_file():
        write_atomically(kept, json.dumps(_found(forward, pictures)))
    heads = json.loads(kept.read_text())
    return [
        replace(one, head=_ellipse(heads[_key(one)])) if _key(one) in heads else one
        for one in pictures
    ]


def _found(forward: Forward, pictures: Sequence[OutlinedPicture]) -> dict[str, dict[str, object]]:
    heads: dict[str, dict[str, object]] = {}
    looked: Counter[tuple[object, ...]] = Counter()
    for one in pictures:
        kind = (one.subject_id, *one.visible)
        if one.source != SOURCE or looked[kind] == _PER_SUBJECT:
            continue
        looked[kind] += 1
        if (head := find_anatomy(forward, one.grey).head) is not None:
            heads[_key(one)] = asdict(head.ellipse)
    return heads


def _key(picture: OutlinedPicture) -> str:
    if picture.source != SOURCE:
        return ""
    return f"{picture.subject_id} {zlib.crc32(picture.grey.tobytes()):08x}"


def _ellipse(values: dict) -> HeadEllipse:
    return HeadEllipse(tuple(values["centre"]), tuple(values["half_axes"]), values["angle"])
