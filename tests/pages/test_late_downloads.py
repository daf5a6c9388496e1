"""A click on a download button that is being drawn anew gives a file."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import Runtime, SessionClient
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.media_file_storage import MediaFileStorageError
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from pages.parts import late_downloads
from pages.parts.late_downloads import answer_late_downloads
from tests.event_loop import run_apart
from tests.pages.page_server import ask_for_page, page_server, running

ONE_BUTTON = """
import time
import streamlit as st

run = st.session_state["run"] = st.session_state.get("run", 0) + 1
if run > 1:
    time.sleep(1)
st.write("the next run takes over here")
if run < 5:
    st.download_button("File", lambda: f"of run {run}", "file.txt", key="file")
"""


class Browser(SessionClient):
    """Notes the numbers of the download buttons that it is told to draw."""

    def __init__(self) -> None:
        self.numbers: list[str] = []
        self.drawn = asyncio.Event()

    async def has_drawn(self) -> None:
        """Wait for the end of the next run."""
        await asyncio.wait_for(self.drawn.wait(), 60)
        self.drawn.clear()

    def write_forward_msg(self, msg: ForwardMsg) -> None:
        """Keep a number, and notice the end of a run."""
        number = msg.delta.new_element.download_button.deferred_file_id
        if number:
            self.numbers.append(number)
        if msg.WhichOneof("type") == "script_finished" and (
            msg.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
        ):
            self.drawn.set()


def wait_until_forgotten(server: Runtime, number: str) -> None:
    until = time.monotonic() + 30
    while number in server.media_file_mgr._deferred_callables and time.monotonic() < until:
        time.sleep(0.01)


@pytest.mark.long
def test_a_click_that_comes_between_two_runs_gives_what_the_button_gives_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_drop_deferred_id", "execute_deferred"):  # as they were, afterwards
        monkeypatch.setattr(MediaFileManager, name, getattr(MediaFileManager, name))
    meanwhile: list[Callable[[str], None]] = []
    give = MediaFileManager.execute_deferred

    def give_after_all(self: MediaFileManager, number: str) -> str:
        if meanwhile:
            meanwhile.pop()(number)
        return give(self, number)

    monkeypatch.setattr(MediaFileManager, "execute_deferred", give_after_all)
    monkeypatch.setattr(late_downloads, "_PATIENCE_S", 4.0)
    answer_late_downloads()
    script = tmp_path / "app.py"
    script.write_text(ONE_BUTTON)
    files = MemoryMediaFileStorage("/media")
    server = page_server(monkeypatch, script, media=files)

    def clicked(number: str) -> str:
        url = server.media_file_mgr.execute_deferred(number)
        return files.get_file(Path(url).name).content.decode()

    async def click() -> dict[str, str]:
        async with running(server):
            return await press(Browser())

    async def press(browser: Browser) -> dict[str, str]:
        session = server.connect_session(browser, {})
        ask_for_page(server, session)
        await browser.has_drawn()
        (number,) = browser.numbers
        found = {"at rest": await asyncio.to_thread(clicked, number)}
        ask_for_page(server, session)
        await asyncio.sleep(0.3)
        ask_for_page(server, session)  # the second run makes way before it draws the button
        await asyncio.to_thread(wait_until_forgotten, server, number)
        found["between two runs"] = await asyncio.to_thread(clicked, number)
        await browser.has_drawn()
        found["afterwards"] = await asyncio.to_thread(clicked, number)
        loop = asyncio.get_running_loop()

        def draw_anew(number: str) -> None:
            loop.call_soon_threadsafe(ask_for_page, server, session)
            wait_until_forgotten(server, number)

        meanwhile.append(draw_anew)
        found["while it is being given"] = await asyncio.to_thread(clicked, browser.numbers[-1])
        await browser.has_drawn()
        ask_for_page(server, session)  # a page without the button
        await browser.has_drawn()
        await asyncio.sleep(0.5)
        for name, asked in (("gone", browser.numbers[-1]), ("never given", "0" * 32)):
            try:
                found[name] = await asyncio.to_thread(clicked, asked)
            except MediaFileStorageError as refused:
                found[name] = str(refused).split(asked)[1].strip()
        server.disconnect_session(session)
        monkeypatch.setattr(late_downloads, "_PATIENCE_S", 120.0)
        with pytest.raises(MediaFileStorageError):  # nobody is there to draw the button: at once
            await asyncio.wait_for(asyncio.to_thread(clicked, browser.numbers[-1]), 60)
        return found

    assert run_apart(click()) == {
        "at rest": "of run 1",
        "between two runs": "of run 3",
        "afterwards": "of run 3",
        "while it is being given": "of run 4",
        "gone": "not found",
        "never given": "not found",
    }
