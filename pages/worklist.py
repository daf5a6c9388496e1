"""Worklist: what scanners and archives have sent, and what the models said of it."""

from __future__ import annotations

from pages.parts.frame import enter_frame

enter_frame("classify", title="Worklist")  # before what takes long to load

import streamlit as st

from pages.parts.outbox import show_outbox
from pages.parts.received import wants_to_look
from pages.parts.received_list import show_received
from pages.parts.refreshing import refreshing
from vmcore import RESEARCH_USE_ONLY
from vmcore.clinic.network import judging_runs, node_runs
from vmcore.settings import settings

_EVERY_S = 5.0


def main() -> None:
    """Draw the page: whether anybody receives, what came, and what is on its way out."""
    if wants_to_look():
        st.switch_page("pages/classify.py")
    refreshing(_show_node, _EVERY_S)()
    if settings().archives:
        from pages.parts.ask_archive import show_ask_archive  # noqa: PLC0415  for who has one

        show_ask_archive()
    show_received()
    show_outbox()
    st.caption(RESEARCH_USE_ONLY)


def _show_node() -> None:
    """Say whether a node receives for this store, or how to start one."""
    chosen = settings()
    if not node_runs():
        peers = (
            ""
            if chosen.node_peers or chosen.archives
            else " Name who may send in `VMCORE_NODE_PEERS` first."
        )
        st.warning(
            f"Nothing is received or judged now. Start the DICOM node with `make node`.{peers}",
            icon=":material/cloud_off:",
        )
    elif not judging_runs():
        come = "received" if chosen.node_peers else "fetched from archives"
        cause = "" if chosen.node_judges else " The node is set not to (`VMCORE_NODE_JUDGES`)."
        st.warning(
            f"Images can be {come}, but nothing judges them now.{cause}",
            icon=":material/pending:",
        )
    elif not chosen.node_peers:
        st.caption(":green[:material/check_circle:] What is fetched from archives is judged.")
    else:
        st.caption(
            f":green[:material/check_circle:] The DICOM node receives at port {chosen.node_port}."
        )


main()
