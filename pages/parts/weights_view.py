"""What is in a weights file that somebody names, and what a run would take from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import streamlit as st

from pages.parts.plain import plain
from vmcore.runs import RunError

if TYPE_CHECKING:
    from vmcore.models import WeightsReport

Pooling = Literal["token", "avg"]
_FEW, _HEIGHT = 4, 120  # names, pixels


def draw_weights(named: str, architecture: str, pooling: Pooling | None) -> None:
    """Draw the expander; nothing while no file is named.

    Args:
        named: the file's path.
        architecture: the network that is to start from it.
        pooling: what that network's head reads; None for a pretraining, which has none.
    """
    if not named.strip():
        return
    try:
        with st.spinner("Reading the file …"):
            from vmcore.runs import report_on_file  # noqa: PLC0415  with torch, which takes long

            report = report_on_file(named, architecture, pooling or "token")
    except RunError as error:
        st.error(plain(error), icon=":material/error:")
        return
    refused = report.pretraining_error if pooling is None else report.error
    if refused:
        st.error(f"No training can start from this file. {plain(refused)}", icon=":material/error:")
    if pooling is not None and report.network.pooling != report.pooling:
        st.caption(
            ":orange[:material/warning:] The file's network reads "
            + ("the mean of the patches" if report.network.pooling == "avg" else "the class token")
            + "; this run's would not (Advanced)."
        )
    with st.expander("What is in this file", icon=":material/inventory_2:"):
        st.write(plain(report.network.sentence()))
        for sentence in (*(report.said if pooling else ()), *report.pretraining):
            st.write(f"- {plain(sentence)}")
        if pooling is None:
            st.caption(f"SHA-256 `{report.sha256}`")
            return
        _facts(report)
        for title, names in (
            ("Missing", report.missing),
            ("Of another size", report.wrong_shape),
            ("Left over", report.left_over),
        ):
            if names:
                st.caption(f"{title} ({len(names)})")
                st.code(
                    "\n".join(names),
                    language=None,
                    height=_HEIGHT if len(names) > _FEW else "content",
                )


def _facts(report: WeightsReport) -> None:
    counts = (
        f"{len(report.matched)} matched, {len(report.missing)} missing, "
        f"{len(report.left_over)} left over, {len(report.wrong_shape)} of another size"
    )
    wrapped = f"under {plain(report.wrapper)}" if report.wrapper else "flat"
    prefix = f", {plain(report.prefix)} taken from before every name" if report.prefix else ""
    st.caption(f"{report.format}, {wrapped}{prefix}: {counts}. SHA-256 `{report.sha256}`")
