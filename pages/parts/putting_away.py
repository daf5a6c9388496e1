"""The button that puts scans away; it asks first where a person's work would go with them."""

from __future__ import annotations

from collections.abc import Callable, Collection

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.parts.uploads import Uploads


def worked_on(uploads: Uploads, keys: Collection[str]) -> int:
    """How many scans of these dropped files have decisions or callipers by hand."""
    held = {
        file.key for key in keys if key in uploads.intakes for file in uploads.intakes[key].files
    }
    return sum(
        bool(one.assessments) or any(one.hand.values()) for one in uploads.files if one.key in held
    )


def draw_putting_away(
    place: DeltaGenerator,
    word: str,
    key: str,
    counted: Callable[[], int],
    put_away: Callable[[], None],
) -> None:
    """Draw the button.

    Args:
        place: where it stands.
        word: what it says.
        key: the button's.
        counted: tells how many scans that somebody worked on would go.
        put_away: what puts them away.
    """

    def put_away_unless_worked_on() -> None:
        if not counted():  # a calliper may have been set after the button was drawn
            put_away()

    goes = counted()
    if not goes:
        place.button(word, key=key, on_click=put_away_unless_worked_on, width="stretch")
        return
    with place.popover(word, width="stretch"):
        whose = "One scan has" if goes == 1 else f"{goes} scans have"
        st.write(f"{whose} decisions or callipers of yours. They go for good.")
        st.button(
            f"{word} all the same", key=f"{key} all the same", type="primary", on_click=put_away
        )
