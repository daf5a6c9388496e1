"""Come in by the front door: every page carries app.py's frame, whichever is asked for first."""

from __future__ import annotations

from vmcore.importing import import_in_turn

import_in_turn()  # before anything that several sessions may load at once

import threading

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from pages.parts.identity import admitted
from vmcore.runs.access import Role

_framed = threading.local()  # a session's runs have a thread of their own


def draw_frame() -> None:
    """Say that app.py runs, which draws what stands around a page."""
    _framed.yes = True


def enter_frame(*roles: Role, title: str | None = None) -> None:
    """Start again through app.py where Streamlit ran the page's file alone; stop who has no such role.

    It does so for every file in a folder called pages until ``st.navigation`` has been called
    once, as after a restart of the app that is followed by a reload of a page. Several people may be the first.

    Args:
        roles: any of which may see the page.
        title: of the page, which stands there while the rest is loaded.
    """
    if not getattr(_framed, "yes", False):
        PagesManager.uses_pages_directory = False
        st.rerun()
    if admitted().roles.isdisjoint(roles):  # app.py shows it to nobody, but may be passed by
        st.stop()
    if title is not None:
        st.title(title, anchor=False)
