"""The framework's server without a network: pages are asked for and drawn as for a browser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.runtime import Runtime, RuntimeConfig
from streamlit.runtime.media_file_storage import MediaFileStorage
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.session_manager import SessionStorage
from streamlit.runtime.uploaded_file_manager import UploadedFileManager


def page_server(
    patch: pytest.MonkeyPatch,
    script: Path,
    *,
    media: MediaFileStorage | None = None,
    uploads: UploadedFileManager | None = None,
    sessions: SessionStorage | None = None,
) -> Runtime:
    """A server of one script; it is the process's only one until the test's changes are undone."""
    patch.setattr(Runtime, "_instance", None)
    return Runtime(
        RuntimeConfig(
            str(script),
            media or MemoryMediaFileStorage("/media"),
            uploads or MemoryUploadedFileManager("/upload"),
            session_storage=sessions or MemorySessionStorage(),
        )
    )


@asynccontextmanager
async def running(server: Runtime) -> AsyncIterator[None]:
    """Start a server, and stop it when its last page is drawn and done with.

    A session that is stopped before the end of its script's thread is known leaves that thread's loop open.
    """
    await server.start()
    try:
        yield
    finally:
        async with asyncio.timeout(60):
            while any(  # noqa: ASYNC110  it tells nobody
                info.session._scriptrunner is not None
                for info in server._session_mgr.list_active_sessions()
            ):
                await asyncio.sleep(0.01)
        server.stop()
        await server.stopped


def ask_for_page(server: Runtime, session: str, **told: Any) -> None:
    """Ask for a page anew, as a browser does; what else it tells by the names of its message."""
    message = BackMsg()
    message.rerun_script.query_string = ""
    for key, value in told.items():
        setattr(message.rerun_script, key, value)
    server.handle_backmsg(session, message)
