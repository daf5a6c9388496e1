"""Choose data, network, weights and settings; see how long it will take; start."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from pydantic import ValidationError

from pages.parts.jump import jump
from pages.parts.plain import plain
from pages.parts.weights_view import Pooling, draw_weights
from vmcore.data import ManifestError, load_study
from vmcore.models import ARCHITECTURES, LEARNT_FILE, PUBLIC_CHECKPOINTS, load_card
from vmcore.runs import (
    PAPER_SETTINGS,
    Plan,
    RunError,
    all_runs,
    all_studies,
    estimate_seconds,
    seen_by_start,
    start_run,
)
from vmcore.settings import settings

_FILE, _RUN = "a file", "a former run"
_USUAL = ("usf-mae-100", "imagenet", "bundled", "random")  # what is offered first, where it fits


def draw() -> None:
    """Draw the view."""
    ready = [study for study in all_studies() if study.state == "ready"]
    if not ready:
        st.info("Prepare a study first.", icon=":material/folder_open:")
        if st.button("Studies", icon=":material/folder_open:"):
            jump("studies")
        return
    model: Plan | None = st.session_state.get("cloned")
    fields = _fields({study.name: study.folder for study in ready}, model)
    fields["accept_seen"] = _seen(fields, model)
    estimate, start = st.columns([1, 1])
    if estimate.button("Estimate the time", icon=":material/timer:", width="stretch"):
        _estimate(fields)
    if start.button("Start", type="primary", icon=":material/play_arrow:", width="stretch"):
        _start(fields)


def _fields(studies: dict[str, Path], model: Plan | None) -> dict[str, object]:
    left, right = st.columns(2, gap="large")
    with left:
        names = list(studies)
        chosen = model.study.name if model and model.study.name in studies else names[0]
        study = st.selectbox("Study", names, index=names.index(chosen))
        _counts(studies[study])
        kinds = list(ARCHITECTURES)
        kind = st.selectbox(
            "Network", kinds, format_func=lambda key: ARCHITECTURES[key].title,
            index=kinds.index(model.architecture if model else "usf-mae"),
        )  # fmt: skip
        pooling: Pooling = "avg" if _averages(kind, model) else "token"
        weights = _weights(kind, pooling, model)
        name = st.text_input("Name", value=model.name if model else "", placeholder="first try")
    with right:
        learning = _learning(kind, model)
        split = _split(model)
    return {
        "name": name or f"{ARCHITECTURES[kind].title} on {study}",
        "study": studies[study],
        "architecture": kind,
        "weights": weights,
        "pooling": pooling,
        "settings": learning,
        **split,
    }


def _counts(folder: Path) -> None:
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


def _averages(kind: str, model: Plan | None) -> bool:
    """Whether the head reads the mean of the patches; asked of vision transformers alone."""
    if ARCHITECTURES[kind].width is None:
        return False
    with st.expander("Advanced", icon=":material/tune:"):
        readings = ["token", "avg"]
        same = model is not None and model.architecture == kind
        chosen = st.radio(
            "The head reads", readings, key=f"pooling-{kind}-{st.session_state.get('jumps', 0)}",
            index=readings.index(model.pooling) if model is not None and same else 0,
            format_func={"token": "the class token", "avg": "the mean of the patches"}.__getitem__,
            captions=["as in the paper", "as masked autoencoders are fine-tuned by He et al."],
        )  # fmt: skip
    return chosen == "avg"


def _weights(kind: str, pooling: Pooling, model: Plan | None) -> str:
    choices = ["random"]
    if load_card(settings().bundle).architecture == kind:
        choices.append("bundled")
    if kind == "usf-mae":
        choices += list(PUBLIC_CHECKPOINTS)
    if not ARCHITECTURES[kind].masked_autoencoder:
        choices.append("imagenet")
    choices += [_RUN, _FILE]
    before = model.weights if model and model.architecture == kind else ""
    shown = before if before in choices else ""
    usual = next(choice for choice in _USUAL if choice in choices)
    shown = shown or (_RUN if before.startswith("run:") else _FILE if before else usual)
    choice = st.selectbox(
        "Starts from", choices, index=choices.index(shown), key=f"weights-{kind}",
        help="Public USF-MAE and ImageNet weights are fetched once and need a network; a file of "
        "the same weights does as well.",
    )  # fmt: skip
    if choice == _FILE:
        named = st.text_input("Weights file on this machine", value=before)
        draw_weights(named, kind, pooling)
        return named or "no file given"
    if choice == "bundled" and not (settings().bundle / LEARNT_FILE).is_file():
        st.caption(
            ":orange[:material/warning:] The bundled model has seen the public images named in its "
            "card. Where the study holds any of them, its results will be too good."
        )
    if choice == _RUN:
        runs = {
            f"run:{folder.run_id}": folder.plan().name
            for folder, stands in all_runs()
            if stands.state == "finished" and folder.plan().architecture == kind
        }
        return st.selectbox("Run", list(runs), format_func=runs.__getitem__) or "no run chosen"
    return choice


def _seen(fields: dict[str, object], model: Plan | None) -> bool:
    """Say where weights have learnt from images that would be judged, and ask whether to go on."""
    try:
        said = seen_by_start(Plan.model_validate(fields))
    except (ValidationError, RunError, ManifestError):
        return False  # what is wrong is said when it is started
    if not said:
        return False
    st.warning(plain(said), icon=":material/warning:")
    return st.checkbox(
        "Go on with weights that have seen these images; mark the results as too good",
        value=bool(model and model.accept_seen),
        key="accept-"
        + "-".join(str(fields[name]) for name in ("study", "weights", "folds", "split_by")),
    )


def _learning(kind: str, model: Plan | None) -> dict[str, object]:
    same = model is not None and model.architecture == kind
    start = model.settings if model is not None and same else PAPER_SETTINGS[kind]
    key = f"{kind}-{st.session_state.get('jumps', 0)}"
    first, second = st.columns(2)
    return start.model_dump() | {
        "epochs": first.number_input("Epochs", 1, 10_000, start.epochs, key=f"epochs-{key}"),
        "batch_size": second.number_input("Batch", 1, 4096, start.batch_size, key=f"batch-{key}"),
        "learning_rate": first.number_input(
            "Learning rate", 1e-7, 1.0, start.learning_rate, format="%.1e", key=f"rate-{key}",
            step=1e-5,
        ),
        "weight_decay": second.number_input(
            "Weight decay", 0.0, 1.0, start.weight_decay, format="%.4f", key=f"decay-{key}",
            step=1e-4,
        ),
        "seed": first.number_input("Seed", 0, 2**31, start.seed, key=f"seed-{key}"),
    }  # fmt: skip


def _split(model: Plan | None) -> dict[str, object]:
    first, second = st.columns(2)
    by = st.radio(
        "Split by", ["subject", "image"], horizontal=True,
        index=1 if model and model.split_by == "image" else 0,
        captions=[
            "one fetus on one side only, where the study names it",
            "as in the paper; results are marked with it",
        ],
    )  # fmt: skip
    return {
        "folds": first.number_input("Folds", 2, 20, model.folds if model else 5),
        "test_fraction": second.number_input(
            "Held out for the test", 0.05, 0.45, model.test_fraction if model else 0.15, step=0.01
        ),
        "split_by": by,
        "split_seed": model.split_seed if model else 0,
    }


def _plan(fields: dict[str, object]) -> Plan | None:
    try:
        return Plan.model_validate(fields)
    except ValidationError as error:
        for problem in error.errors():
            where = str(problem["loc"][-1]).replace("_", " ")
            st.error(f"{where.capitalize()}: {plain(problem['msg'])}.", icon=":material/error:")
        return None


def _estimate(fields: dict[str, object]) -> None:
    plan = _plan(fields)
    if plan is None:
        return
    try:
        with st.spinner("Training two steps …"):
            seconds = estimate_seconds(plan)
    except (RunError, ManifestError) as error:
        st.error(plain(error), icon=":material/error:")
        return
    st.info(
        f"About {duration(seconds)} for {plan.folds} folds of {plan.settings.epochs} epochs on "
        "this machine.",
        icon=":material/timer:",
    )


def _start(fields: dict[str, object]) -> None:
    plan = _plan(fields)
    if plan is None:
        return
    bar = st.empty()

    def fetched(done: int, total: int | None) -> None:
        share = min(done / total, 1.0) if total else 0.0
        bar.progress(share, f"Fetching {plan.weights}: {done / 1e6:.0f} MB")

    try:
        with st.spinner("Starting …"):
            folder = start_run(plan, on_fetch=fetched)
    except (RunError, ManifestError) as error:
        bar.empty()
        st.error(plain(error), icon=":material/error:")
        return
    st.session_state.pop("cloned", None)
    st.query_params["run"] = folder.run_id
    jump("runs")


def duration(seconds: float) -> str:
    """Seconds in words: "40 s", "12 min", "3 h 20 min"."""
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
