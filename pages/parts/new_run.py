"""A new run: choose its kind; for a cross-validation data, network, weights and settings."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from pydantic import ValidationError

from pages.parts import new_pretraining
from pages.parts.jump import jump
from pages.parts.plain import plain
from pages.parts.plan_form import (
    checked,
    describe_study,
    estimate_and_start,
    former_runs,
    lasting_choice,
)
from pages.parts.weights_view import Pooling, draw_weights
from vmcore.data import ManifestError, load_study
from vmcore.models import ARCHITECTURES, LEARNT_FILE, PUBLIC_CHECKPOINTS, load_card
from vmcore.runs import (
    PAPER_SETTINGS,
    Plan,
    PretrainPlan,
    RunError,
    all_studies,
    prepared_corpora,
    seen_by_start,
    validated_unlabelled,
)
from vmcore.runs.plan import CROSS_VALIDATION
from vmcore.runs.pretraining_plan import PRETRAINING
from vmcore.settings import settings

_KINDS = {CROSS_VALIDATION: "Cross-validation", PRETRAINING: "Pretraining"}
_FILE, _RUN = "a file", "a former run"
_USUAL = ("usf-mae-100", "imagenet", "bundled", "random")  # what is offered first, where it fits


def draw() -> None:
    """Draw the view."""
    ready = [study for study in all_studies() if study.state == "ready"]
    if not ready and not prepared_corpora():
        st.info("Prepare a study first.", icon=":material/folder_open:")
        if st.button("Studies", icon=":material/folder_open:"):
            jump("studies")
        return
    studies = {study.name: study.folder for study in ready}
    cloned: Plan | PretrainPlan | None = st.session_state.get("cloned")
    if cloned is not None:
        _say_cloned(cloned.name)
    kind = st.segmented_control(
        "Kind of run", list(_KINDS), format_func=_KINDS.__getitem__, required=True,
        default=PRETRAINING if isinstance(cloned, PretrainPlan) else CROSS_VALIDATION,
        label_visibility="collapsed", key=f"kind-{st.session_state.get('jumps', 0)}",
    )  # fmt: skip
    if kind == CROSS_VALIDATION and not ready:
        st.info("A cross-validation needs a study; prepare one first.")
    elif kind == PRETRAINING:
        new_pretraining.draw(studies, cloned if isinstance(cloned, PretrainPlan) else None)
    else:
        _cross_validation(studies, cloned if isinstance(cloned, Plan) else None)


def _say_cloned(name: str) -> None:
    said, empty = st.columns([3, 1], vertical_alignment="center")
    said.caption(f"Filled in from {plain(name)}.")
    if empty.button("Begin with an empty form", key="empty-form", width="stretch"):
        st.session_state.pop("cloned", None)
        jump("new")


def _cross_validation(studies: dict[str, Path], model: Plan | None) -> None:
    st.caption("Folds of a labelled study are trained and judged; a test part is held out.")
    fields = _fields(studies, model)
    fields["accept_seen"] = _seen(fields)
    estimate_and_start(
        lambda: checked(Plan, fields),
        lambda plan: f"{len(plan.parts)} folds of {plan.epochs} epochs",
    )


def _fields(studies: dict[str, Path], model: Plan | None) -> dict[str, object]:
    left, right = st.columns(2, gap="large")
    with left:
        names = list(studies)
        usual = model.study.name if model else names[0]
        key = f"study-{st.session_state.get('jumps', 0)}"
        study = lasting_choice("Study", names, usual, key) or names[0]
        describe_study(studies[study])
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
        there = _has_originals(studies[study])
        pairs = st.checkbox(
            "Add pairs with widened ventricles", value=bool(model and model.pairs and there), disabled=not there,
            key=f"pairs-{study}-{st.session_state.get('jumps', 0)}",
            help="Of each normal head in which an atrium is surely found a fold also learns two made "
            "pictures: one with another normal ventricle, one with a wide one. They are made from "
            "the original files first, which takes about a second each. With few positives they made "
            "the bundled model worse (docs/method.md): compare with a run without. Those of a study that came "
            "as a zip are not there any more.",
        )  # fmt: skip
    return {
        "name": name or f"{ARCHITECTURES[kind].title} on {study}",
        "study": studies[study],
        "architecture": kind,
        "weights": weights,
        "pooling": pooling,
        "pairs": pairs,
        "settings": learning,
        "precision": model.precision if model else "auto",
        "processes": model.processes if model else 1,
        **split,
    }


def _has_originals(study: Path) -> bool:
    try:
        return load_study(study).has_originals()
    except ManifestError:
        return False  # what is wrong is said above


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
        "Starts from", choices, index=choices.index(shown), key=f"weights-{kind}-{st.session_state.get('jumps', 0)}",
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
        runs = former_runs(kind)
        key = f"run-{kind}-{st.session_state.get('jumps', 0)}"
        run = lasting_choice("Run", list(runs), before, key, lambda name: runs.get(name, name))
        return run or "no run chosen"
    return choice


def _seen(fields: dict[str, object]) -> bool:
    """Say where weights have learnt from images that would be judged, and ask whether to go on."""
    try:
        plan = Plan.model_validate(fields)
        said, validated = seen_by_start(plan), validated_unlabelled(plan)
    except (ValidationError, RunError, ManifestError):
        return False  # what is wrong is said when it is started
    if not said:
        if validated:
            st.caption(
                f":orange[:material/warning:] The pretraining saw, without labels, {validated} of the "
                "images that folds validate, which may make validation figures too good; it has seen "
                "none that the test holds."
            )
        return False
    st.warning(plain(said), icon=":material/warning:")
    return st.checkbox(
        "Go on with weights that have seen these images; mark the results as too good",
        key="accept-"
        + "-".join(str(fields[name]) for name in ("study", "weights", "folds", "split_by")),
    )


def _learning(kind: str, model: Plan | None) -> dict[str, object]:
    same = model is not None and model.architecture == kind
    start = model.settings if model is not None and same else PAPER_SETTINGS[kind]
    key = f"{kind}-{st.session_state.get('jumps', 0)}"
    first, second = st.columns(2)
    return start.model_dump() | {
        "epochs": first.number_input("Epochs", value=start.epochs, key=f"epochs-{key}"),
        "batch_size": second.number_input("Batch", value=start.batch_size, key=f"batch-{key}"),
        "learning_rate": first.number_input(
            "Learning rate", value=start.learning_rate, format="%.1e", key=f"rate-{key}",
            step=1e-5,
        ),
        "weight_decay": second.number_input(
            "Weight decay", value=start.weight_decay, format="%.4f", key=f"decay-{key}",
            step=1e-4,
        ),
        "seed": first.number_input("Seed", value=start.seed, key=f"seed-{key}"),
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
        "folds": first.number_input("Folds", value=model.folds if model else 5),
        "test_fraction": second.number_input(
            "Held out for the test", value=model.test_fraction if model else 0.15, step=0.01
        ),
        "split_by": by,
        "split_seed": model.split_seed if model else 0,
    }
