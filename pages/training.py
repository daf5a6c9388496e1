"""Training: studies and their check, new runs, and runs watched while they learn."""

from __future__ import annotations

from pages.parts.frame import enter_frame

enter_frame("train", "release", title="Training")  # before what takes long to load


from collections.abc import Callable

import streamlit as st

from pages.parts import new_run, run_view, study_view
from pages.parts.plain import plain
from vmcore.runs import RunError

_VIEWS: dict[str, tuple[str, Callable[[], None]]] = {
    "runs": (":material/monitoring: Runs", run_view.draw),
    "new": (":material/add_circle: New run", new_run.draw),
    "studies": (":material/folder_open: Studies", study_view.draw),
}


def main() -> None:
    """Draw the page; the view and the runs looked at stand in the address, so a reload keeps them."""
    st.caption(
        "Point to a folder of scans or hand in a zip, look at its check, start the paper's experiment or a "
        "pretraining, and come back later: runs go on without this page."
    )
    asked = st.session_state.pop("go_to", None) or st.query_params.get("view", "runs")
    view = st.segmented_control(
        "View", list(_VIEWS), format_func=lambda key: _VIEWS[key][0],
        default=asked if asked in _VIEWS else "runs", required=True, label_visibility="collapsed",
        key=f"view-{st.session_state.get('jumps', 0)}",
    )  # fmt: skip
    st.query_params["view"] = view
    try:
        _VIEWS[view][1]()
    except RunError as error:
        st.error(plain(error), icon=":material/error:")


main()
