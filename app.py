"""VentriScope's entry: page frame, navigation, and the notice that every page carries."""

from __future__ import annotations

import streamlit as st

from pages.parts.frame import draw_frame
from pages.parts.identity import admitted, draw_entrance, draw_who
from pages.parts.leaving import ask_before_leaving
from pages.parts.upkeep import start_upkeep
from pages.parts.warm_up import start_warming_up
from vmcore import RESEARCH_USE_ONLY

draw_frame()
st.set_page_config(
    page_title="VentriScope",
    page_icon="assets/logo.svg",
    layout="wide",
    initial_sidebar_state="expanded",
)

# Streamlit leaves a hand's breadth around the page; a scan needs that room more
st.html("<style>.stMainBlockContainer {padding: 3.2rem 2.5rem 2rem}</style>")

classify = st.Page(
    "pages/classify.py", title="Classify", icon=":material/frame_inspect:", default=True
)
worklist = st.Page("pages/worklist.py", title="Worklist", icon=":material/inbox:")
results = st.Page("pages/results.py", title="Results", icon=":material/query_stats:")
training = st.Page("pages/training.py", title="Training", icon=":material/model_training:")
audit = st.Page("pages/audit.py", title="Audit", icon=":material/history_edu:")
about = st.Page("pages/about.py", title="About", icon=":material/info:")

roles = admitted().roles
shown = [page for page, needed in (
    (classify, {"classify"}), (worklist, {"classify"}), (results, {"review"}), (training, {"train", "release"}),
    (audit, {"release"}), (about, roles),
) if roles & needed]  # fmt: skip
if not st.get_option(
    "client.showSidebarNavigation"
):  # of the pages that are shown, not of all files
    st.set_option("client.showSidebarNavigation", True)
page = st.navigation(shown or [st.Page(draw_entrance, title="Sign in", icon=":material/login:")])
st.logo("assets/logo.svg", size="large")
with st.sidebar:
    st.caption(f":material/science: {RESEARCH_USE_ONLY}")
    draw_who()

start_upkeep()
try:
    page.run()
    ask_before_leaving()
finally:  # a page is drawn before what it may need later is loaded
    start_warming_up()
