"""Who may read what this software writes: its owner alone, or a group too where one is named."""

from __future__ import annotations

import logging
import os
import shutil
import stat
from pathlib import Path

from vmcore.settings import settings

log = logging.getLogger(__name__)

_OWNER_ALONE = 0o077  # taken away from files and folders
_GROUP_READS = 0o027


def keep_private() -> None:
    """Make all that this process and its children write private; for the start of a program.

    Files get 0600 and folders 0700; where VMCORE_STORE_GROUP names a group, it may read (0640 and
    2750). A store that is open to others from earlier is said so in the log.
    """
    os.umask(_OWNER_ALONE)
    group, store = settings().store_group, settings().store
    if group is not None:
        _share(store, group)
    if open_to_others(store):
        log.warning(
            "The store can be read by every user of this machine; close it with: chmod -R o= %s",
            store,
        )


def open_to_others(folder: Path) -> bool:
    """Whether users of the machine who are neither owner nor in the group may read a folder."""
    try:
        return bool(folder.stat().st_mode & stat.S_IRWXO)
    except OSError:
        return False


def _share(folder: Path, group: str) -> None:
    """Let what is made within belong to the group (setgid)."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.chown(folder, group=group)
        folder.chmod(0o2750)
        os.umask(_GROUP_READS)
    except (LookupError, OSError) as error:
        log.warning(
            "The store cannot be shared with the group of VMCORE_STORE_GROUP (%s); it stays its "
            "owner's alone.",
            type(error).__name__,
        )
