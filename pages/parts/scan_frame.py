"""Which frame of a loop is looked at; it stays chosen while other scans are open."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.parts.uploaded_scan import UploadedScan


def choose_frame(place: DeltaGenerator, uploaded: UploadedScan) -> int:
    """The frame, from 0: the middle one at first; a picture has one, and nothing is asked."""
    if uploaded.frames == 1:
        return 0
    first = uploaded.middle if uploaded.chosen is None else uploaded.chosen
    key = f"frame-{uploaded.key}"
    st.session_state.setdefault(key, first + 1)
    frame: int = place.slider("Frame", 1, uploaded.frames, key=key)
    uploaded.chosen = frame - 1  # the framework forgets it while another scan is open
    return uploaded.chosen
