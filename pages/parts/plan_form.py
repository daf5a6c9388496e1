"""What the forms for new runs share: check a plan, estimate its time, start it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import streamlit as st
from pydantic import BaseModel, ValidationError

from pages.parts.jump import jump
from pages.parts.plain import plain
from vmcore.data import ManifestError, load_study
from vmcore.runs import Plan, PretrainPlan, RunError, all_runs, estimate_seconds, start_run

P = TypeVar("P", bound=BaseModel)


def checked(kind: type[P], fields: Mapping[str, object]) -> P | None:
    """The plan of these fields; None where they are wrong, with what is wrong said on the page."""
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        for problem in error.errors():
            where = str(problem["loc"][-1]).replace("_", " ") if problem["loc"] else "plan"
            message = str(problem["msg"]).removeprefix("Value error, ")
            st.error(f"{where.capitalize()}: {plain(message)}.", icon=":material/error:")
        return None


def estimate_and_start(
    plan: Callable[[], Plan | PretrainPlan | None], words: Callable[[Plan | PretrainPlan], str]
) -> None:
    """Draw the two buttons below a form.

    Args:
        plan: checks the form's fields.
        words: what the estimated time is for.
    """
    begun: list[str] = st.session_state.setdefault("begun", [])
    if st.session_state.get("begun-shown", 0) < len(begun):
        _show_begun(begun)  # a second press came before the first one's run was shown
    gone = st.session_state.pop("choice-gone", False)
    said = st.container()  # above the buttons, where whoever presses one looks
    estimate, start = st.columns([1, 1])
    if estimate.button("Estimate the time", icon=":material/timer:", width="stretch"):
        with said:
            _estimate(None if gone else plan(), words)
    # by the runs begun so far: the second press of a double click starts nothing
    if start.button(
        "Start", type="primary", icon=":material/play_arrow:", width="stretch",
        key=f"start-{len(begun)}",
    ):  # fmt: skip
        with said:
            _start(None if gone else plan(), begun)
    if gone:
        said.warning(
            "What was chosen is gone; somebody has deleted it. Nothing was started: look at the form "
            "again.",
            icon=":material/warning:",
        )


def lasting_choice(
    label: str,
    options: Sequence[str],
    usual: str | None,
    key: str,
    words: Callable[[str], str] = str,
) -> str | None:
    """Draw a choice that stays when others add or delete options.

    Where the chosen one has gone, nothing is started by the press that is under way.

    Args:
        label: what is chosen.
        options: among which.
        usual: what is chosen first; the first option where it is none of them.
        key: the widget's.
        words: an option's, as shown.
    """  # fmt: skip
    before = st.session_state.get(key)
    note_gone([] if before is None else [before], options)
    index = options.index(usual) if usual in options else 0
    return st.selectbox(label, options, index=index, format_func=words, key=key)


def note_gone(chosen: Sequence[str], options: Collection[str]) -> None:
    """Let the press that is under way start nothing where something chosen is no option any more."""
    if set(chosen) - set(options):
        st.session_state["choice-gone"] = True


def _estimate(
    plan: Plan | PretrainPlan | None, words: Callable[[Plan | PretrainPlan], str]
) -> None:
    if plan is None:
        return
    try:
        with st.spinner("Training two steps …"):
            seconds = estimate_seconds(plan)
            said = words(plan)
    except (RunError, ManifestError) as error:
        st.error(plain(error), icon=":material/error:")
        return
    st.info(f"About {duration(seconds)} for {said} on this machine.", icon=":material/timer:")


def _start(plan: Plan | PretrainPlan | None, begun: list[str]) -> None:
    if plan is None:
        return
    bar = st.empty()

    def fetched(done: int, total: int | None) -> None:
        share = min(done / total, 1.0) if total else 0.0
        bar.progress(share, f"Fetching {plan.weights}: {done / 1e6:.0f} MB")

    try:
        with st.spinner("Starting …"):
            begun.append(start_run(plan, on_fetch=fetched).run_id)
    except (RunError, ManifestError) as error:
        bar.empty()
        st.error(plain(error), icon=":material/error:")
        return
    _show_begun(begun)


def _show_begun(begun: list[str]) -> None:
    st.session_state.pop("cloned", None)
    st.query_params["run"] = begun[-1]
    st.session_state["begun-shown"] = len(begun)
    jump("runs")


def describe_study(folder: Path) -> None:
    """Say how many images of which class a study holds, and what is to be thought of."""
    try:
        report = load_study(folder).report
    except ManifestError as error:
        st.error(plain(error), icon=":material/error:")
        return
    said = [
        f"{row['images']} {plain(row['label'])} ({row['subjects']} subjects)"
        for row in report.counts
    ]
    st.caption(" · ".join(said))
    for sentence in report.concerns():
        st.caption(f":orange[:material/warning:] {plain(sentence)}")


def former_runs(architecture: str, *, pretrainings_only: bool = False) -> dict[str, str]:
    """Finished runs of a network that can be started from: their names by "run:ID"."""
    found = {}
    for folder, stands in all_runs():
        if stands.state != "finished":
            continue
        plan = folder.plan()
        pretraining = isinstance(plan, PretrainPlan)
        if plan.architecture == architecture and (pretraining or not pretrainings_only):
            mark = " (pretraining)" if pretraining and not pretrainings_only else ""
            found[f"run:{folder.run_id}"] = f"{plan.name} · {folder.run_id[:6]}{mark}"
    return found


def duration(seconds: float) -> str:
    """Seconds in words: "40 s", "12 min", "3 h 20 min"."""
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
