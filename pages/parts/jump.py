"""Go from one view of a page to another one."""

from __future__ import annotations

import streamlit as st


def jump(view: str) -> None:
    """Show another view from the next rerun on, which starts at once."""
    st.session_state.go_to = view
    st.session_state.jumps = st.session_state.get("jumps", 0) + 1
    st.rerun(scope="app")
