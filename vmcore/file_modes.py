"""Who may read what this software writes: its owner alone, or a group too where one is named.

And what it must not write: the system's picture of a program that crashed, which would hold the scans.
"""

from __future__ import annotations

import logging
import os
import resource
import shutil
import stat
from contextlib import suppress
from pathlib import Path

from vmcore.settings import settings

log = logging.getLogger(__name__)

_OWNER_ALONE = 0o077  # taken away from files and folders
_GROUP_READS = 0o027
_DUMPED = Path("/proc/self/coredump_filter")


def keep_private() -> None:
    """Make all that this process and its children write private; for the start of a program.

    Files get 0600 and folders 0700; where VMCORE_STORE_GROUP names a group, it may read (0640 and
    2750). A store that is open to others from earlier is said so in the log. If one of them crashes,
    its memory is not written to the disk.
    """
    _leave_no_dump()
    os.umask(_OWNER_ALONE)
    group, store = settings().store_group, settings().store
    if group is not None:
        _share(store, group)
    if open_to_others(store):
        log.warning(
            "The store can be read by every user of this machine; close it with: chmod -R o= %s",
            store,
        )


def _leave_no_dump() -> None:
    """Let no crash write memory to the disk, by the system or a program that it hands it to."""
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))
    with suppress(OSError):  # Linux's alone
        _DUMPED.write_text("0")  # the limit says nothing to a program that takes the dump


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
