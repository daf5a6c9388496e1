"""Runs while they learn and afterwards: state, curves, log, and what can be done with them."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.parts import pretraining_view
from pages.parts.identity import stay
from pages.parts.jump import jump
from pages.parts.plain import plain
from pages.parts.plan_form import duration
from pages.parts.promotion_history import draw_promotions
from pages.parts.refreshing import refreshing
from pages.parts.table import show_table
from vmcore.reporting import fold_curves, pretraining_curves, run_curves
from vmcore.runs import (
    Plan,
    PretrainPlan,
    RunError,
    RunFolder,
    RunStatus,
    all_runs,
    cancel_run,
    delete_run,
    resume_run,
    status,
)
from vmcore.training import EpochResult, PretrainEpoch

_MARKS = {
    "pending": (":material/hourglass_empty:", "gray"),
    "running": (":material/sprint:", "blue"),
    "finished": (":material/check_circle:", "green"),
    "failed": (":material/error:", "red"),
    "cancelled": (":material/stop_circle:", "orange"),
    "unknown": (":material/question_mark:", "violet"),
}
_GOING = {"pending", "running", "unknown"}  # looked at again and again
_REFRESH_S = 2.0
_PLAIN = {"displayModeBar": False}


def draw() -> None:
    """Draw the view."""
    known = {folder.run_id: (folder, stands) for folder, stands in all_runs()}
    if not known:
        st.info("No run yet. Start one.", icon=":material/add_circle:")
        if st.button("New run", icon=":material/add_circle:"):
            jump("new")
        return
    asked = [run for run in st.query_params.get_all("run") if run in known] or [next(iter(known))]
    shown = st.multiselect(
        "Runs shown (several are laid side by side)", list(known), default=asked,
        format_func=lambda run: _label(known[run][0]),
        key=f"runs-{st.session_state.get('jumps', 0)}",
    )  # fmt: skip
    st.query_params["run"] = shown
    chosen = [known[run][0] for run in shown]
    going = any(known[run][1].state in _GOING for run in shown)
    if len(chosen) == 1:
        _watch(chosen[0], going=going)
    elif chosen:
        refreshing(_side_by_side, _REFRESH_S if going else None)(chosen)
    draw_promotions()


def _label(folder: RunFolder) -> str:
    try:
        name = folder.plan().name
    except RunError:
        name = "damaged run"
    return f"{name} · {folder.run_id[:6]}"


def _watch(folder: RunFolder, *, going: bool) -> None:
    refreshing(_one, _REFRESH_S if going else None)(folder, going=going)


def _one(folder: RunFolder, *, going: bool) -> None:
    who = stay("train", "release")
    stands, plan = status(folder), folder.plan()
    if going and stands.state not in _GOING:
        st.rerun(scope="app")  # it has ended: draw what can be done with it now
    icon, colour = _MARKS[stands.state]
    st.subheader(f":{colour}[{icon} {plain(plan.name)}]", anchor=False)
    st.progress(stands.progress, _progress_words(stands))
    if stands.state == "failed":
        st.error(plain(stands.reason), icon=":material/error:")
        st.code(folder.tail(12), language=None)
    elif stands.reason:
        st.warning(plain(stands.reason), icon=":material/hourglass:")
    _actions(folder, stands)
    if isinstance(plan, PretrainPlan):
        pretraining_view.draw(folder, plan, stands)
    else:
        _cross_validation(folder, plan, stands, review="review" in who.roles)
    with st.expander("Settings", icon=":material/tune:"):
        shown = plan.model_dump(mode="json", exclude={"settings"}) | plan.settings.model_dump(
            mode="json"
        )
        shown |= plan.recorded()  # a study by its name, not by its place
        for places in ("studies", "corpora", "leave_out_test_of"):
            shown.pop(places, None)
        st.dataframe(
            pd.DataFrame({"value": {key: str(value) for key, value in shown.items()}}),
            width="stretch",
        )
    with st.expander("Log", icon=":material/terminal:"):
        st.code(folder.tail(200) or "Nothing was said yet.", language=None, height=320)


def _cross_validation(folder: RunFolder, plan: Plan, stands: RunStatus, *, review: bool) -> None:
    histories = [folder.history(number) for number in range(1, plan.folds + 1)]
    st.plotly_chart(
        fold_curves(histories, plan.epochs), width="stretch",
        key=f"curves-{folder.run_id}", config=_PLAIN,
    )  # fmt: skip
    if stands.state == "finished":
        if review:
            st.page_link(
                "pages/results.py", label="Review the results", icon=":material/query_stats:",
                query_params={"model": folder.run_id},
            )  # fmt: skip
        _results(folder)
        from pages.parts.promotion import draw_promotion  # noqa: PLC0415  it may ask two models, and loads them

        draw_promotion(folder)


def _progress_words(stands: RunStatus) -> str:
    parts = len(stands.epochs)
    done = sum(stands.epochs)
    words = f"{stands.state} · {done} of {parts * stands.planned} epochs"
    words += f" in {parts} folds" if parts > 1 else ""
    if any(stands.under_way):
        shares = " and ".join(f"{share:.0%}" for share in stands.under_way if share)
        words += f", {shares} of the next"
    if stands.state == "pending" and not stands.reason:
        words += " · waits for the device"
    elif stands.state == "running" and stands.remaining_s is not None:
        words += f" · about {duration(stands.remaining_s)} left"
    return words


def _actions(folder: RunFolder, stands: RunStatus) -> None:
    second, first, third, _ = st.columns([1, 1, 1, 3])
    try:
        if stands.state in _GOING:
            if first.button("Stop", icon=":material/stop:", width="stretch"):
                with st.spinner("Stopping …"):
                    cancel_run(folder.run_id)
                st.rerun(scope="app")
        elif stands.state in {"failed", "cancelled"} and first.button(
            "Resume", icon=":material/resume:", type="primary", width="stretch"
        ):
            resume_run(folder.run_id)
            st.rerun(scope="app")
        if second.button("Clone", icon=":material/content_copy:", width="stretch"):
            st.session_state.cloned = folder.plan()
            jump("new")
        if stands.state not in _GOING:
            with third.popover("Delete", icon=":material/delete:", width="stretch"):
                st.write("The run's checkpoints and figures go for good.")
                if st.button("Delete this run", type="primary"):
                    delete_run(folder.run_id)
                    st.query_params.pop("run", None)
                    jump("runs")
    except RunError as error:
        st.error(plain(error), icon=":material/error:")


def _results(folder: RunFolder) -> None:
    for title, rows in folder.results().items():
        st.markdown(f"**{plain(title)}**")
        show_table(rows)
    if folder.cross_validation().split_by == "image":
        st.caption(
            ":orange[:material/warning:] Split by image, not by subject: the figures may be too good."
        )
    elif unknown := folder.read_json("finished.json").get("unknown_subjects"):
        st.caption(
            f":orange[:material/warning:] {unknown} images name no subject: one fetus may stand on "
            "both sides of the split, and the figures may be too good."
        )


def _side_by_side(folders: list[RunFolder]) -> None:
    rows: list[dict[str, object]] = []
    judged: dict[str, list[list[EpochResult]]] = {}
    pretrained: dict[str, list[PretrainEpoch]] = {}
    planned = 1
    for folder in folders:
        plan, stands = folder.plan(), status(folder)
        name = f"{plan.name} ({folder.run_id[:6]})"
        planned = max(planned, plan.epochs)
        row: dict[str, object] = {"run": name, "state": stands.state, "network": plan.architecture}
        row |= {"study": plan.recorded()["study"], "progress": f"{stands.progress:.0%}"}
        if isinstance(plan, PretrainPlan):
            pretrained[name] = folder.pretrain_history()
            row["loss"] = pretrained[name][-1].loss if pretrained[name] else None
        else:
            judged[name] = [folder.history(number) for number in range(1, plan.folds + 1)]
        for title, table in folder.results().items():
            mean = next(line for line in table if line["fold"] == "mean")
            split = title.split(",", maxsplit=1)[0].lower()
            row |= {f"{split} {key}": mean[key] for key in ("accuracy", "f1", "auc")}
        rows.append(row)
    show_table(rows)
    if judged:
        st.caption("Curves of cross-validations are means over folds.")
        st.plotly_chart(
            run_curves(judged, planned), width="stretch", key="side-by-side", config=_PLAIN
        )
    if pretrained:
        st.plotly_chart(
            pretraining_curves(pretrained, planned), width="stretch", key="pretrainings",
            config=_PLAIN,
        )  # fmt: skip
