"""Come in by the front door: every page carries app.py's frame, whichever is asked for first."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from pages.parts.identity import admitted
from vmcore.runs.access import Role


def enter_frame(*roles: Role) -> None:
    """Start again through app.py where Streamlit ran the page's file alone; stop who has no such role.

    It does so for every file in a folder called pages until ``st.navigation`` has been called
    once, as after a restart of the app that is followed by a reload of a page.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()
    if not admitted().roles & set(
        roles
    ):  # app.py shows such a page to nobody, but it may be passed by
        st.stop()
