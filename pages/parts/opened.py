"""Which scan is looked at; and why not, where what was asked for cannot be shown.

Another scan's verdict must not stand in its place: nobody would see that it is of somebody else.
"""

from __future__ import annotations

import streamlit as st

from pages.parts.uploaded_scan import UploadedScan
from pages.parts.uploads import Uploads

_OPENED, _KEY = "opened scan", "opened scan's file"
REMOVED = "removed from the inbox"
"""Where the session keeps the names of received images that were open when they went."""


_REMOVED = "It was removed from the inbox meanwhile."
_NOT_OPEN = "It is not among the open files."


def open_scan(number: int) -> None:
    """Look at this scan from now on."""
    st.session_state[_OPENED] = number


def open_file(key: str) -> None:
    """Look at the scan that a file is known by, though it may not be held."""
    st.session_state[_OPENED] = key


def forget_opened() -> None:
    """Look at the first scan that is left."""
    st.session_state.pop(_OPENED, None)


def draw_not_shown(uploads: Uploads) -> None:
    """Say why what was asked for is not shown, where it is not, and offer what is left."""
    if (why := not_shown(uploads)) is None:
        return
    st.warning(why, icon=":material/visibility_off:")
    if uploads.scans:
        st.button("Look at the others", icon=":material/view_list:", on_click=forget_opened)


def opened_scan(uploads: Uploads) -> UploadedScan | None:
    """The scan that was asked for, or the first where none was; None where it cannot be shown."""
    asked, scans = st.session_state.get(_OPENED), uploads.scans
    found = next((one for one in scans if asked in (one.number, one.key)), None)
    if found is not None:
        st.session_state[_KEY] = found.key
    if found is not None or not scans or not_shown(uploads) is not None:
        return found
    return scans[0]


def opened_number(uploads: Uploads) -> int | None:
    """The number of the scan that is looked at."""
    opened = opened_scan(uploads)
    return None if opened is None else opened.number


def not_shown(uploads: Uploads) -> str | None:
    """Say why what was asked for cannot be shown; None where it can, or nothing was asked for."""
    asked = st.session_state.get(_OPENED)
    for one in uploads.files:
        if asked in (one.number, one.key):
            return one.refusal and f"Scan {one.number} cannot be shown: {one.refusal}"
    if isinstance(asked, int) and st.session_state.get(_KEY) in st.session_state.get(REMOVED, ()):
        return f"Scan {asked} cannot be shown: {_REMOVED}"
    if not isinstance(asked, str):
        return None
    return f"The image that you opened cannot be shown: {_why_left_out(asked, uploads)}"


def _why_left_out(key: str, uploads: Uploads) -> str:
    intake = uploads.intakes.get(key)
    if intake is None:
        return _REMOVED if key in st.session_state.get(REMOVED, ()) else _NOT_OPEN
    if intake.files:
        return f"Only {uploads.budget.scans} scans are held at a time; put others away first."
    return intake.refused[0] if intake.refused else "It is no scan."
