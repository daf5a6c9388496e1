"""What people uploaded goes when they have left; large files take turns."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from pathlib import Path

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import Runtime, RuntimeConfig
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.session_manager import SessionClient
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from pages.parts import upkeep
from pages.parts.turns import in_turn

_TTL_S = 0.05


class Silent(SessionClient):
    """Somebody whose page draws nothing."""

    def write_forward_msg(self, msg: ForwardMsg) -> None:
        """Draw nothing."""


def test_uploads_of_somebody_who_has_left_go_while_the_app_is_at_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Runtime, "_instance", None)
    script = tmp_path / "page.py"
    script.touch()
    uploaded = MemoryUploadedFileManager("/upload")
    server = Runtime(
        RuntimeConfig(
            str(script), MemoryMediaFileStorage("/media"), uploaded,
            session_storage=MemorySessionStorage(ttl_seconds=_TTL_S),  # type: ignore[arg-type]
        )
    )  # fmt: skip

    async def left_and_forgotten() -> tuple[int, int]:
        """How many files there are after somebody has left, and after the app has seen to it."""
        await server.start()
        session = server.connect_session(Silent(), {})
        uploaded.add_file(session, UploadedFileRec("1", "a", "b", b"scan"))
        server.disconnect_session(session)
        await asyncio.sleep(2 * _TTL_S)
        before = len(uploaded.get_files(session, ["1"]))
        gc.disable()  # an app at rest makes nothing that would start it
        try:
            upkeep.forget_expired_sessions()
            await asyncio.sleep(_TTL_S)
            return before, len(uploaded.get_files(session, ["1"]))
        finally:
            gc.enable()
            server.stop()
            await server.stopped

    assert asyncio.run(left_and_forgotten()) == (1, 0)


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
