"""What people uploaded goes when they have left; large files take turns."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path
from typing import ClassVar

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.session_manager import SessionClient
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from pages.parts import upkeep
from pages.parts.turns import in_turn
from tests.event_loop import run_apart
from tests.pages.page_server import ask_for_page, page_server, running

ROOT = Path(__file__).resolve().parents[2]
_TTL_S = 0.1


_PAGE = """
import streamlit as st
from tests.pages.test_upkeep import Held
st.session_state.held = Held()
st.fragment(lambda held: None)(Held())
"""


class Held:
    """What a page holds of somebody."""

    all: ClassVar[weakref.WeakSet[Held]] = weakref.WeakSet()

    def __init__(self) -> None:
        """Count it as long as it is there."""
        self.all.add(self)


class Person(SessionClient):
    """Somebody who looks at a page."""

    def __init__(self) -> None:
        """Nothing is drawn yet."""
        self.drawn = asyncio.Event()

    def write_forward_msg(self, msg: ForwardMsg) -> None:
        """Notice that the page is drawn."""
        if msg.WhichOneof("type") == "script_finished":
            self.drawn.set()


def test_what_somebody_uploaded_goes_while_the_app_is_at_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "page.py"
    script.write_text(_PAGE)
    files = MemoryUploadedFileManager("/upload")
    sessions = MemorySessionStorage(ttl_seconds=_TTL_S)  # type: ignore[arg-type]
    server = page_server(monkeypatch, script, uploads=files, sessions=sessions)

    async def left_and_forgotten() -> list[tuple[int, int]]:
        """Files and what the page holds: after somebody has left, and after the app has seen to it."""
        async with running(server):
            person = Person()
            session = server.connect_session(person, {})
            files.add_file(session, UploadedFileRec("1", "a", "b", b"scan"))
            ask_for_page(server, session)
            await asyncio.wait_for(person.drawn.wait(), 60)
            await asyncio.sleep(_TTL_S)  # until the server's loop is at rest too
            server.disconnect_session(session)
            await asyncio.sleep(2 * _TTL_S)
            found = [(len(files.get_files(session, ["1"])), len(Held.all))]
            upkeep.forget_expired_sessions()
            await asyncio.sleep(2 * _TTL_S)
            found.append((len(files.get_files(session, ["1"])), len(Held.all)))
        return found

    assert run_apart(left_and_forgotten()) == [(1, 2), (0, 0)]


def test_an_app_that_starts_loads_nothing_that_trains(tmp_path: Path) -> None:
    code = (
        "import sys; from pages.parts.upkeep import sweep_store; sweep_store();"
        "assert 'vmcore.runs.unpacking_places' in sys.modules;"
        "assert 'torch' not in sys.modules"
    )
    told = os.environ | {"VMCORE_STORE": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=told)


def test_the_store_is_swept_once_and_not_before_the_first_scan(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, rounds, swept = time.monotonic(), [], []

    def look() -> None:
        rounds.append(1)
        if len(rounds) == 40:
            raise SystemExit  # else it would go on

    monkeypatch.setattr(upkeep, "_EVERY_S", 0.01)
    monkeypatch.setattr(upkeep, "_SWEEP_AFTER_S", 0.1)
    monkeypatch.setattr(upkeep, "sweep_store", lambda: swept.append(time.monotonic() - begun))
    monkeypatch.setattr(upkeep, "forget_expired_sessions", look)
    with pytest.raises(SystemExit):
        upkeep._keep_up()
    assert len(swept) == 1
    assert swept[0] >= 0.1


def test_large_files_take_turns_and_small_ones_never_wait() -> None:
    done: list[str] = []

    def work(name: str, size: int) -> None:
        with in_turn(size), in_turn(size):
            done.append(name)

    with in_turn(10**8):
        large = threading.Thread(target=work, args=("large", 10**8))
        small = threading.Thread(target=work, args=("small", 10**6))
        large.start()
        small.start()
        small.join(10)
        time.sleep(0.05)
        assert done == ["small"]
    large.join(10)
    assert done == ["small", "large"]
