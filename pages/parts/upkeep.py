"""What an app does for itself: files are private, uploads in memory, freed memory goes back.

The allocator keeps memory after pictures are gone, and networks keep what they computed in, so they are asked
for it.
"""

from __future__ import annotations

import ctypes
import gc
import io
import logging
import threading
import time
from contextlib import suppress
from tempfile import SpooledTemporaryFile
from typing import Any

import streamlit as st
from starlette import formparsers
from starlette.formparsers import MultiPartParser
from streamlit import runtime
from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec

from pages.parts.late_downloads import answer_late_downloads
from pages.parts.late_refreshes import drop_late_refreshes
from vmcore.file_modes import keep_private
from vmcore.resting import keep_until_idle, rest_idle
from vmcore.runs.purging import sweep
from vmcore.settings import settings

log = logging.getLogger(__name__)

_EVERY_S = 5.0
_SWEEP_AFTER_S = 30.0  # the first page and the first scan load much, and come first
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # of malloc.h
_PICTURE_BYTES = 2**20  # from there on memory is asked of the system and goes back to it
_KEPT_BYTES = 8 * 2**20  # of smaller pieces stay till the next trimming: pictures need them again
_ARENAS = 2  # each keeps some, and threads share them
_first = threading.Lock()  # taken once, and for good
_held: set[str] = set()  # sessions of those who have left, when it was looked last


def start_upkeep() -> None:
    """Begin, once in the app's life."""
    if not _first.acquire(blocking=False):
        return
    keep_uploads_in_memory()
    keep_private()
    give_back_pictures()
    keep_until_idle()
    drop_late_refreshes()
    answer_late_downloads()
    threading.Thread(target=_keep_up, name="upkeep", daemon=True).start()


class _UploadInMemory(SpooledTemporaryFile[bytes]):
    """An upload that gives out all of it without a second copy.

    A ``BytesIO`` does so where its buffer is as long as what was written, which ``getvalue`` makes it.
    """

    def read(self, *arguments: Any) -> bytes:
        if isinstance(self._file, io.BytesIO):
            self._file.getvalue()
        return super().read(*arguments)


def _same_upload(upload: UploadedFile, memo: object) -> UploadedFile:
    """What a field gives out of an upload each time that a page is drawn: another reader of the same bytes."""
    del memo
    record = UploadedFileRec(upload.file_id, upload.name, upload.type, upload.getvalue())
    return UploadedFile(record, upload._file_urls)  # noqa: SLF001


def keep_uploads_in_memory() -> None:
    """Keep uploads of any size off the disk, and once.

    The server's parser would spool them from 1 MiB on and copy them as it hands them over, and a field copies
    what it holds for everybody who asks.
    """
    largest = max(settings().largest_file_mb, int(st.get_option("server.maxUploadSize")))
    MultiPartParser.spool_max_size = (largest + 1) * 2**20
    formparsers.SpooledTemporaryFile = _UploadInMemory  # type: ignore[misc]
    UploadedFile.__deepcopy__ = _same_upload  # type: ignore[attr-defined]


def give_back_pictures() -> None:
    """Have the allocator give memory of a picture's size back to the system as soon as it is free.

    By itself it learns to keep ever larger pieces.
    """
    with suppress(OSError, AttributeError):  # glibc's alone
        allocator = ctypes.CDLL("libc.so.6")
        allocator.mallopt(_M_MMAP_THRESHOLD, _PICTURE_BYTES)
        allocator.mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
        allocator.mallopt(_M_ARENA_MAX, _ARENAS)


def forget_expired_sessions() -> None:
    """Let go of sessions whose people have left, with what they uploaded.

    The server's storage leaves an expired session where it is until another one comes in, and the server's loop
    holds the one that left last for as long as nobody else is there: so it is emptied here.
    """
    if not runtime.exists():
        return
    with suppress(AttributeError, RuntimeError):  # it stores them in another way, or has not begun
        server: Any = runtime.get_instance()
        stored = server._session_mgr._session_storage._cache  # noqa: SLF001
        loop = server._get_async_objs().eventloop  # noqa: SLF001  the storage is its thread's alone
        loop.call_soon_threadsafe(_forget_expired, stored)


def _forget_expired(stored: Any) -> None:
    expired = stored.expire()
    for _, info in expired:
        try:
            info.session.shutdown()
            info.session.session_state.clear()
            info.session._fragment_storage.clear()  # noqa: SLF001  parts that draw themselves anew
        except Exception as error:  # the others' scans go all the same
            log.warning("A session is not emptied (%s).", type(error).__name__)
    held = set(stored)
    if expired or _held - held:  # the storage drops some by itself, when somebody leaves
        gc.collect()  # what refers to itself would wait for work that makes garbage
    _held.clear()
    _held.update(held)


def sweep_store() -> None:
    """Remove what interrupted work has left in the store; what cannot be removed does not stop the app."""
    from vmcore.runs.leftovers import sweep_runs  # noqa: PLC0415
    from vmcore.runs.unpacking_places import sweep_unpacked  # noqa: PLC0415  not before a page is up

    try:
        sweep(settings().store / "studies")
        sweep_runs()
        sweep_unpacked()
    except (OSError, ValueError) as error:  # its words may quote a name
        log.warning("Leftovers stay in the store (%s).", type(error).__name__)


def _keep_up() -> None:
    began, swept = time.monotonic(), False
    while True:
        time.sleep(_EVERY_S)
        if not swept and time.monotonic() - began > _SWEEP_AFTER_S:
            sweep_store()
            swept = True
        forget_expired_sessions()
        rest_idle()
        with suppress(OSError, AttributeError):
            ctypes.CDLL("libc.so.6").malloc_trim(0)
