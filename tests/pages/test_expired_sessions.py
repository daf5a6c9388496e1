"""What an app does for itself rests on Streamlit's own parts: an upgrade that moves them is noticed here."""

from __future__ import annotations

import asyncio
import gc
import weakref
from pathlib import Path
from typing import Any

import pytest
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.session_manager import SessionInfo

from pages.parts.upkeep import forget_expired_sessions
from tests.event_loop import run_apart
from tests.pages.page_server import page_server, running

MOVED = (
    "Streamlit keeps sessions in another way, so that scans of people who have left stay in memory: adapt "
    "forget_expired_sessions in pages/parts/upkeep.py."
)


class Left:
    """The session of somebody who has left."""

    id = "left"


def test_a_session_that_has_expired_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    storage = MemorySessionStorage(ttl_seconds=0.01)  # type: ignore[arg-type]
    server = page_server(monkeypatch, Path("app.py"), sessions=storage)

    def come_and_go() -> weakref.ref[Left]:
        session: Any = Left()
        storage.save(SessionInfo(client=None, session=session, script_run_count=1))
        return weakref.ref(session)

    async def live() -> tuple[bool, bool]:
        async with running(server):
            session = come_and_go()
            await asyncio.sleep(0.05)
            gc.collect()
            before = session() is not None
            await asyncio.to_thread(forget_expired_sessions)
            await asyncio.sleep(0.05)
            gc.collect()
            return before, session() is not None

    before, after = run_apart(live())
    assert not after, MOVED
    assert before, (
        "Streamlit lets go of expired sessions by itself: forget_expired_sessions can go."
    )
