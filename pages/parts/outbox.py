"""What is on its way to other archives: how it stands, sent again or no more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pandas as pd
import streamlit as st

from pages.parts.identity import admitted, stay
from pages.parts.refreshing import refreshing
from vmcore.clinic.network import Outbox, Parcel, State

_EVERY_S = 2.0
_MOST = 200  # the newest


def show_outbox() -> None:
    """Draw the outbox for who may send, where anything is or was in it."""
    if "release" in admitted().roles:
        refreshing(_draw, _EVERY_S)()


def _draw() -> None:
    stay("release")
    outbox = Outbox()
    parcels = outbox.parcels()
    if not parcels:
        return
    st.subheader("On the way", anchor=False)
    counts = Counter(parcel.state for parcel in parcels)
    st.caption(", ".join(f"{counts[state]:,} {state}" for state in State if counts[state]) + ".")
    shown = parcels[:_MOST]
    chosen = st.dataframe(
        pd.DataFrame(
            [
                (one.number, one.destination, str(one.state), one.tries, one.cause)
                for one in shown
            ],
            columns=["no.", "destination", "state", "tries", "why"],
        ),
        key=f"outbox-{hash(tuple((one.number, one.state) for one in shown))}", on_select="rerun", selection_mode="multi-row",
        hide_index=True, height=35 * min(len(shown) + 1, 6) + 3,
        column_config={"why": st.column_config.TextColumn(width="large")},
    ).selection.rows  # fmt: skip
    picked = [shown[place] for place in chosen if place < len(shown)]
    left, right, _ = st.columns([1, 1, 3])
    closed = not _open(picked, State.FAILED, State.WAITING)
    if left.button(
        "Send again", key="send again", icon=":material/replay:", width="stretch", disabled=closed
    ):
        _each(outbox.retry, picked)
    with right.popover("Send no more", icon=":material/cancel:", width="stretch", disabled=closed):
        st.write("What is chosen is never sent from here again; its content is forgotten.")
        # by what is chosen: a press that arrives when something else is chosen is no press
        numbers = "-".join(str(parcel.number) for parcel in picked)
        if st.button("Yes, send it no more", key=f"send no more {numbers}", type="primary"):
            _each(outbox.cancel, picked)


def _open(picked: list[Parcel], *states: State) -> bool:
    return any(parcel.state in states for parcel in picked)


def _each(change: Callable[[int], None], picked: list[Parcel]) -> None:
    stay("release")
    for parcel in picked:
        change(parcel.number)
    st.rerun()
