"""Before a picture leaves the app or is kept by it, somebody has to have looked at it."""

from __future__ import annotations

import streamlit as st

LOOKED = "pictures looked at"
"""Where the session keeps the digests of the pictures that somebody looked at."""


def looked_at(key: str, picture: str | None = None) -> bool:
    """Draw the advice to look, and the tick without which no picture is handed out.

    Args:
        key: of the picture; the tick is asked for again with another one.
        picture: the digest of its pixels, by which :func:`was_looked_at` remembers it for the session.
    """
    st.caption(
        "Cleaning finds most burned-in text, not all: a name may still stand in the picture."
    )
    name = f"looked-{key}"
    return st.checkbox(
        "I looked: no name is visible", key=name, on_change=_remember, args=(name, picture)
    )


def was_looked_at(picture: str | None) -> bool:
    """Whether somebody ticked in this session that no name is visible in a picture, by its digest."""
    return picture in st.session_state.get(LOOKED, set())


def _remember(name: str, picture: str | None) -> None:
    looked: set[str] = st.session_state.setdefault(LOOKED, set())
    if picture is not None and st.session_state[name]:
        looked.add(picture)
    elif picture is not None:
        looked.discard(picture)
