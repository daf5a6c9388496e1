"""VentriScope's entry: page frame, navigation, and the notice that every page carries."""

from __future__ import annotations

import streamlit as st

from vmcore import RESEARCH_USE_ONLY

st.set_page_config(
    page_title="VentriScope",
    page_icon=":material/neurology:",
    layout="wide",
    initial_sidebar_state="expanded",
)

# Streamlit leaves a hand's breadth above the title; a scan needs that height more
st.html("<style>.stMainBlockContainer {padding-top: 3.2rem}</style>")

page = st.navigation(
    [
        st.Page(
            "pages/classify.py", title="Classify", icon=":material/frame_inspect:", default=True
        ),
        st.Page("pages/results.py", title="Results", icon=":material/query_stats:"),
        st.Page("pages/training.py", title="Training", icon=":material/model_training:"),
        st.Page("pages/about.py", title="About", icon=":material/info:"),
    ]
)
st.logo("assets/logo.svg", size="large")
with st.sidebar:
    st.caption(f":material/science: {RESEARCH_USE_ONLY}")

page.run()
