"""Give memory that was freed back to the system: the allocator keeps it after pictures are gone."""

from __future__ import annotations

import ctypes
import threading
import time

_EVERY_S = 15.0
_first = threading.Lock()  # taken once, and for good


def start_upkeep() -> None:
    """Begin, once in the app's life."""
    if not _first.acquire(blocking=False):
        return
    try:
        trim = ctypes.CDLL("libc.so.6").malloc_trim  # glibc's alone
    except (OSError, AttributeError):
        return
    threading.Thread(target=_keep_up, args=(trim,), name="upkeep", daemon=True).start()


def _keep_up(trim: ctypes._NamedFuncPointer) -> None:
    while True:
        time.sleep(_EVERY_S)
        trim(0)
