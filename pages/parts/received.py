"""Received instances that this session has opened: each is one more file on the classify page."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from pages.parts.opened import REMOVED, forget_opened, open_file
from pages.parts.putting_away import draw_putting_away, worked_on
from pages.parts.uploads import DroppedFile, Uploads
from vmcore.clinic.network import Inbox
from vmcore.imaging import ScanError

RECEIVED = "received"
"""Where the session keeps the names of those that are open: digests, the first opened first."""
_WANTED = "received to look at"


def open_received(name: str) -> None:
    """Have an instance among the session's scans, and look at it next."""
    opened: list[str] = st.session_state.setdefault(RECEIVED, [])
    if name not in opened:
        opened.append(name)
    st.session_state[_WANTED] = name


def received_files() -> list[DroppedFile]:
    """The opened instances as far as they are still in the inbox."""
    opened: list[str] = st.session_state.get(RECEIVED, [])
    if not opened:
        return []
    folder = Inbox().folder
    here = [name for name in opened if os.access(folder / name, os.R_OK)]
    st.session_state.setdefault(REMOVED, set()).update(set(opened) - set(here))
    st.session_state[RECEIVED] = here
    return [DroppedFile(name, name, _reader(folder / name)) for name in here]


def put_away_unreadable() -> None:
    """Close the opened instances that cannot be read any more."""
    folder = Inbox().folder
    opened: list[str] = st.session_state.get(RECEIVED, [])
    st.session_state[RECEIVED] = [name for name in opened if os.access(folder / name, os.R_OK)]


def draw_received(uploads: Uploads) -> None:
    """Say how many are open, and let them be put away."""
    opened: list[str] = st.session_state.get(RECEIVED, [])
    count = len(opened)
    if count:
        words = "One received image is open" if count == 1 else f"{count} received images are open"
        left, right = st.columns([3, 2], vertical_alignment="center")
        left.caption(f":material/inbox: {words}.")
        draw_putting_away(
            right, "Close", "close received", lambda: worked_on(uploads, opened), _close
        )


def wants_to_look() -> bool:
    """Whether an instance was opened that has not been looked at yet."""
    return _WANTED in st.session_state


def look_at_opened() -> None:
    """Look at the instance that was opened last."""
    name = st.session_state.pop(_WANTED, None)
    if name is not None:
        open_file(name)


def _close() -> None:
    """Put them away, and look at what is left."""
    forget_opened()
    st.session_state[RECEIVED] = []


def _reader(path: Path) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            return path.read_bytes()
        except OSError:
            raise ScanError("It was removed from the inbox meanwhile.") from None

    return read
