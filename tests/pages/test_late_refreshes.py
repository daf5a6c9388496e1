"""A page that was left asks for a part of itself: the page that is shown stays as it is."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import SessionClient
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner

from pages.parts.late_refreshes import drop_late_refreshes
from tests.event_loop import run_apart
from tests.pages.page_server import ask_for_page, page_server, running

TWO_PAGES = """
import time
import streamlit as st

def listed():
    st.fragment(lambda: st.write("part"), run_every=100.0)()

def opened():
    time.sleep(2)  # the other page's parts are there until the end

st.navigation([st.Page(listed, title="Listed"), st.Page(opened, title="Opened")]).run()
"""


class Browser(SessionClient):
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[ForwardMsg] = []
        self.drawn = asyncio.Event()

    def write_forward_msg(self, msg: ForwardMsg) -> None:
        """Keep it, and notice the end of a run."""
        self.told.append(msg)
        if msg.WhichOneof("type") == "script_finished":
            self.drawn.set()


def started(told: list[ForwardMsg]) -> list[str]:
    """The pages whose runs a browser was told of; it empties itself where it shows another one."""
    runs = [msg.new_session for msg in told if msg.WhichOneof("type") == "new_session"]
    return [run.page_script_hash for run in runs]


@pytest.mark.long
def test_a_page_is_not_emptied_by_a_part_of_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        ScriptRunner, "_run_script", ScriptRunner._run_script
    )  # as it was, afterwards
    drop_late_refreshes()
    script = tmp_path / "app.py"
    script.write_text(TWO_PAGES)
    server = page_server(monkeypatch, script)

    async def leave_and_ask() -> dict[str, list[str]]:
        async with running(server):
            return await leave(Browser())

    async def leave(browser: Browser) -> dict[str, list[str]]:
        session = server.connect_session(browser, {})

        async def answered(**told: Any) -> list[str]:
            before = len(browser.told)
            browser.drawn.clear()
            ask_for_page(server, session, **told)
            await asyncio.wait_for(browser.drawn.wait(), 60)
            return started(browser.told[before:])

        await answered()
        menus = [msg.navigation for msg in browser.told if msg.WhichOneof("type") == "navigation"]
        listed, opened = (page.page_script_hash for page in menus[-1].app_pages)
        parts = [
            msg.auto_rerun.fragment_id
            for msg in browser.told
            if msg.WhichOneof("type") == "auto_rerun"
        ]
        part = {"fragment_id": parts[-1], "page_script_hash": listed, "is_auto_rerun": True}
        found = {"in time": await answered(**part)}
        for how, press in (("by the clock", True), ("by hand", False)):
            await answered(page_script_hash=listed)
            before = len(browser.told)
            browser.drawn.clear()
            ask_for_page(server, session, page_script_hash=opened)
            await asyncio.sleep(1)  # the server draws the other page
            ask_for_page(server, session, **{**part, "is_auto_rerun": press})
            await asyncio.wait_for(browser.drawn.wait(), 60)
            await asyncio.sleep(2)
            found[how] = started(browser.told[before:])
        found["again"] = await answered(page_script_hash=opened)
        names = {listed: "listed", opened: "opened"}
        return {key: [names[page] for page in pages] for key, pages in found.items()}

    assert run_apart(leave_and_ask()) == {
        "in time": ["listed"],
        "by the clock": ["opened"],
        "by hand": ["opened"],
        "again": ["opened"],
    }
