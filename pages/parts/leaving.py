"""Ask before a reload or a closed window takes a person's decisions and callipers with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from pages.parts.uploads import Uploads  # loads what judges scans

_ASK = "<script>window.onbeforeunload = (event) => event.preventDefault();</script>"
_ASK_NOT = "<script>window.onbeforeunload = null;</script>"


def ask_before_leaving() -> None:
    """Have the browser ask, as long as a scan of this session is decided or measured by hand."""
    uploads: Uploads | None = st.session_state.get("uploaded")
    at_stake = uploads is not None and any(
        one.assessments or any(one.hand.values()) for one in uploads.files
    )
    st.html(_ASK if at_stake else _ASK_NOT, unsafe_allow_javascript=True)
