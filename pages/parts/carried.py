"""Dropped files stay when the person looks at another page of the app and comes back.

The framework empties the fields of a page that is left. What lay in them is held by the session all the same, and
goes on being listed until it is put away.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.parts.opened import forget_opened
from pages.parts.putting_away import draw_putting_away, worked_on
from pages.parts.uploads import DroppedFile, Uploads

CARRIED = "carried"
"""Where the session keeps the files that lay in the fields when the page was left."""
_SEEN = "seen in the fields"
_CHOSEN = "examples that were chosen"


def come_back(field: str, examples: str) -> None:
    """At the start of a visit, take over what the last one has left; to be called before the fields are drawn.

    Args:
        field: key of the field for files: the session knows its value from its first drawing to the page's end.
        examples: key of the choice of examples, which is made again.
    """
    if field in st.session_state:
        return
    st.session_state[CARRIED] = st.session_state.get(_SEEN, ())
    st.session_state[examples] = list(st.session_state.get(_CHOSEN, ()))


def with_carried(dropped: Sequence[DroppedFile], chosen: Sequence[str]) -> list[DroppedFile]:
    """Dropped files with those of former visits before them, and remember them and the chosen examples."""
    here = (*st.session_state.get(CARRIED, ()), *dropped)
    st.session_state[_SEEN], st.session_state[_CHOSEN] = here, tuple(chosen)
    return list(here)


def draw_carried(uploads: Uploads) -> None:
    """Say how many there are, and let them be put away."""
    carried: Sequence[DroppedFile] = st.session_state.get(CARRIED, ())
    count = len(carried)
    if count:
        words = (
            "One file from before is open" if count == 1 else f"{count} files from before are open"
        )
        left, right = st.columns([3, 2], vertical_alignment="center")
        left.caption(f":material/history: {words}.")
        keys = [file.key for file in carried]
        draw_putting_away(
            right, "Put away", "put away", lambda: worked_on(uploads, keys), _put_away
        )


def _put_away() -> None:
    forget_opened()
    st.session_state[CARRIED] = ()
