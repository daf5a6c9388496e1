"""Ask before a reload or a closed window takes a person's decisions and callipers with it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).resolve().parent
_NAME = "ventriscope.leaving"


def ask_before_leaving() -> None:
    """Have the browser ask, as long as a scan of this session is decided or measured by hand."""
    uploads = st.session_state.get("uploaded")
    if uploads is not None and uploads.has_handwork:
        _component()(key=_NAME)


@lru_cache(maxsize=1)
def _component() -> Any:
    return st.components.v2.component(_NAME, js=(_HERE / "leaving.js").read_text("utf-8"))
