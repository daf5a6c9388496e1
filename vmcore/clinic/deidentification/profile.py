"""What is done to each attribute: DICOM PS3.15 Table E.1-1, Basic Profile, edition 2026c.

The table is dicom-anonymizer's data; what is done by it is decided here, since that package's own
functions keep dates and sequences that the standard removes.
"""

from __future__ import annotations

from enum import Enum
from functools import lru_cache

from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as table
from pydicom.tag import BaseTag

EDITION = "2026c"


class Action(Enum):
    """An action code of PS3.15 E.1.1 as it applies to the ultrasound image IODs (PS3.3 A.6 and A.7).

    Where the table leaves a choice by the IOD (X/Z, X/D, X/Z/D, X/Z/U*: removed unless the attribute
    is of Type 2 or 1; Z/D: emptied unless it is of Type 1), the first is taken: of all such attributes
    none is of Type 1 in an ultrasound image, and none with an X of Type 2.
    """

    REMOVE = "X"
    EMPTY = "Z"
    DUMMY = "D"
    UID = "U"


_COLUMNS = {
    Action.REMOVE: (
        table.X_TAGS,
        table.X_Z_TAGS,
        table.X_D_TAGS,
        table.X_Z_D_TAGS,
        table.X_Z_U_STAR_TAGS,
    ),
    Action.EMPTY: (table.Z_TAGS, table.Z_D_TAGS),
    Action.DUMMY: (table.D_TAGS,),
    Action.UID: (table.U_TAGS,),
}
_REPEATING = range(0x5000, 0x6100)  # curves (50xx) and overlays (60xx)


@lru_cache(maxsize=1)
def profile() -> dict[int, Action]:
    """The action for each single attribute of the table, by its tag."""
    return {
        tag[0] << 16 | tag[1]: action
        for action, columns in _COLUMNS.items()
        for column in columns
        for tag in column
        if len(tag) == 2  # the rest are the repeating groups, which go whole
    }


def action_of(tag: BaseTag | int) -> Action | None:
    """What the profile asks for an attribute; None where it does not name it.

    Private attributes, curves and overlays, all of each, are removed.
    """
    group = int(tag) >> 16
    if group % 2 or group in _REPEATING:
        return Action.REMOVE
    return profile().get(int(tag))
