"""Before a picture leaves the app, somebody has to have looked at it."""

from __future__ import annotations

import streamlit as st


def looked_at(key: str) -> bool:
    """Draw the advice to look, and the tick without which no picture is handed out.

    Args:
        key: of the picture; the tick is asked for again with another one.
    """
    st.caption(
        "Cleaning finds most burned-in text, not all: a name may still stand in the picture."
    )
    return st.checkbox("I looked: no name is visible", key=f"looked-{key}")
