"""Where archives of studies are unpacked, and what interrupted work has left there.

An app looks here as it starts: nothing that trains is loaded for it.
"""

from __future__ import annotations

import shutil

from vmcore.data.containment import ORIGINALS
from vmcore.runs.locks import held
from vmcore.runs.study_status import all_studies, read_note, studies_folder

UNPACKING, UNPACKING_LOCK = ".unpacking-", "unpacking.lock"
"""How the name of such a place begins, and what its owner holds in it."""


def sweep_unpacked() -> None:
    """Remove what a process that ended unpacking, or in the moment a study was ready, has left."""
    for study in all_studies():
        if study.state == "ready" and read_note(study.folder / "request.json"):
            shutil.rmtree(study.folder / ORIGINALS, ignore_errors=True)
    for place in studies_folder().glob(f"{UNPACKING}*"):
        if (place / UNPACKING_LOCK).is_file() and not held(place / UNPACKING_LOCK):
            shutil.rmtree(place, ignore_errors=True)
