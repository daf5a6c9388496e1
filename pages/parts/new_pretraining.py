"""The form for a new pretraining: sources, network, start, settings, what stays unseen."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.parts.plan_form import (
    checked,
    estimate_and_start,
    former_runs,
    lasting_choice,
    note_gone,
)
from pages.parts.weights_view import draw_weights
from vmcore.data import ManifestError, load_study
from vmcore.models import ARCHITECTURES, MAE_SHAPES, PUBLIC_CHECKPOINTS
from vmcore.runs import HeldOut, PretrainPlan, corpora_folder, prepared_corpora
from vmcore.training import PRETRAIN_PRESETS, Compiling, PretrainSettings

_FILE, _RUN, _CLONED = "a file", "a former pretraining", "as cloned"
_LOSSES = {"masked": "hidden patches", "all": "every patch"}


def draw(studies: dict[str, Path], model: PretrainPlan | None) -> None:
    """Draw the form.

    Args:
        studies: folders of those that are ready, by name.
        model: a plan to begin with.
    """
    st.caption(
        "A masked autoencoder learns to draw what is hidden from it. Labels are not looked at; a "
        "cross-validation can then start from its encoder."
    )
    key = str(st.session_state.get("jumps", 0))
    left, right = st.columns(2, gap="large")
    with left:
        fields = _sources(studies, model, key)
        fields |= _network(model, key)
        name = st.text_input(
            "Name", value=model.name if model else "", placeholder="first pretraining",
            key=f"pretrain-name-{key}",
        )  # fmt: skip
        fields["leave_out_test_of"] = _held_out(studies, fields["studies"], model, key)
    with right:
        fields["settings"] = _settings(model, key)
        fields["compiling"] = _compiling(model, key)
    fields |= {
        "name": name or f"{ARCHITECTURES[str(fields['architecture'])].title}, pretrained",
        "precision": model.precision if model else "auto",
        "processes": model.processes if model else 1,
    }
    estimate_and_start(
        lambda: checked(PretrainPlan, fields), lambda plan: f"{plan.epochs} epochs of pretraining"
    )


def _sources(studies: dict[str, Path], model: PretrainPlan | None, key: str) -> dict[str, object]:
    corpora = prepared_corpora()
    places = {name: (folder, _images(folder)) for name, folder in studies.items()}
    places |= {
        f"{name} (corpus)": (corpora_folder() / name, count) for name, count in corpora.items()
    }
    before = {*model.studies, *model.corpora} if model else set()
    usual = [name for name, (folder, _) in places.items() if folder in before]
    note_gone(st.session_state.get(f"sources-{key}", ()), places)
    chosen = st.multiselect(
        "Learns from", list(places), default=usual or list(places)[:1], key=f"sources-{key}"
    )
    st.caption(f"{sum(places[name][1] for name in chosen):,} images")
    folders = [places[name][0] for name in chosen]
    return {
        "studies": [folder for folder in folders if folder in studies.values()],
        "corpora": [folder for folder in folders if folder not in studies.values()],
    }


def _images(study: Path) -> int:
    try:
        return len(load_study(study).table)
    except ManifestError:
        return 0  # what is wrong is said when it is started


def _network(model: PretrainPlan | None, key: str) -> dict[str, object]:
    kinds = list(MAE_SHAPES)
    kind = st.selectbox(
        "Network", kinds, format_func=lambda name: ARCHITECTURES[name].title,
        index=kinds.index(model.architecture) if model else 0, key=f"pretrain-network-{key}",
    )  # fmt: skip
    choices = ["random", *(PUBLIC_CHECKPOINTS if kind == "usf-mae" else ()), _RUN, _FILE]
    before = model.weights if model else "random"
    usual = _RUN if before.startswith("run:") else before if before in choices else _FILE
    choice = st.selectbox(
        "Starts from", choices, index=choices.index(usual), key=f"pretrain-start-{kind}-{key}",
        help="Public USF-MAE weights are fetched once and need a network. A file may hold a whole "
        "masked autoencoder or, as the public ImageNet MAE's does, its encoder alone.",
    )  # fmt: skip
    if choice == _FILE:
        named = st.text_input(
            "Weights file on this machine", value="" if before == "random" else before,
            key=f"pretrain-file-{kind}-{key}",
        )  # fmt: skip
        draw_weights(named, kind, None)
        return {"architecture": kind, "weights": named or "no file given"}
    if choice == _RUN:
        runs = former_runs(kind, pretrainings_only=True)
        run = lasting_choice(
            "Pretraining", list(runs), before, f"pretrain-run-{kind}-{key}",
            lambda name: runs.get(name, name),
        )  # fmt: skip
        return {"architecture": kind, "weights": run or "no run chosen"}
    return {"architecture": kind, "weights": choice}


def _settings(model: PretrainPlan | None, key: str) -> dict[str, object]:
    presets = {_CLONED: model.settings} if model else {}
    presets |= PRETRAIN_PRESETS
    preset = st.selectbox(
        "Settings", list(presets), key=f"preset-{key}",
        help="By name: those of the public USF-MAE code, the paper's loss, and the MAE's own for "
        "ImageNet. Each can be changed below.",
    )  # fmt: skip
    start, key = presets[preset], f"{preset}-{key}"
    first, second = st.columns(2)
    chosen: dict[str, object] = start.model_dump() | {
        "epochs": first.number_input("Epochs", value=start.epochs, key=f"p-epochs-{key}"),
        "batch_size": second.number_input(
            "Batch", value=start.batch_size, key=f"p-batch-{key}"
        ),
        "mask_ratio": st.slider(
            "Hidden share of an image", 0.0, 0.95, start.mask_ratio, 0.05, key=f"p-mask-{key}"
        ),
    }  # fmt: skip
    with st.expander("Advanced settings", icon=":material/tune:"):
        chosen |= _advanced(start, key)
    return chosen


def _compiling(model: PretrainPlan | None, key: str) -> Compiling:
    chosen = st.checkbox(
        "Compile the network first", value=model is not None and model.compiling == "yes",
        key=f"compiling-{key}",
        help="Takes a minute or two at the start and needs a C++ compiler. Pays on large GPUs.",
    )  # fmt: skip
    return "yes" if chosen else "no"


def _advanced(start: PretrainSettings, key: str) -> dict[str, object]:
    first, second = st.columns(2)
    return {
        "learning_rate": first.number_input(
            "Learning rate at its peak", value=start.learning_rate, format="%.1e", step=1e-5,
            key=f"p-rate-{key}",
        ),
        "floor": second.number_input(
            "Learning rate at the end", value=start.floor, format="%.1e", step=1e-6,
            key=f"p-floor-{key}",
        ),
        "weight_decay": first.number_input(
            "Weight decay", value=start.weight_decay, format="%.3f", step=1e-3,
            key=f"p-decay-{key}",
        ),
        "warm_up": second.number_input(
            "Warm-up (share of all steps)", value=start.warm_up, step=0.01, key=f"p-warm-{key}"
        ),
        "loss_on": first.selectbox(
            "Error of", list(_LOSSES), format_func=_LOSSES.__getitem__,
            index=list(_LOSSES).index(start.loss_on), key=f"p-loss-{key}",
        ),
        "seed": second.number_input("Seed", value=start.seed, key=f"p-seed-{key}"),
        "normalise_patches": st.checkbox(
            "Take each patch's own brightness and contrast out", value=start.normalise_patches,
            key=f"p-normalise-{key}",
        ),
    }  # fmt: skip


def _held_out(
    studies: dict[str, Path], sources: list[Path], model: PretrainPlan | None, key: str
) -> list[dict[str, object]]:
    before = {held.study: held for held in model.held_out} if model else {}
    leave = st.checkbox(
        "Leave test images unseen", value=model is None or bool(before), key=f"leave-{key}",
        help="Those that a cross-validation with the same split holds out, in whichever source they "
        "stand. Without it, a model that is fine-tuned from this pretraining cannot be tested on them.",
    )  # fmt: skip
    if not leave:
        return []
    usual = [name for name, place in studies.items() if place in (before or sources)]
    held = f"held-{'-'.join(usual)}-{key}"
    note_gone(st.session_state.get(held, ()), studies)
    names = st.multiselect("Test images of", list(studies), default=usual, key=held)
    split = next(iter(before.values()), HeldOut(study=Path()))
    with st.expander("Split", icon=":material/call_split:"):
        st.caption("As in the cross-validation that will start from this pretraining.")
        first, second, third = st.columns(3)
        chosen = {
            "folds": first.number_input("Folds", value=split.folds, key=f"h-folds-{key}"),
            "test_fraction": second.number_input(
                "Held out", value=split.test_fraction, step=0.01, key=f"h-share-{key}"
            ),
            "split_seed": third.number_input(
                "Split's seed", value=split.split_seed, key=f"h-seed-{key}"
            ),
            "split_by": st.radio(
                "Split by", ["subject", "image"], index=int(split.split_by == "image"),
                horizontal=True, key=f"h-by-{key}",
            ),
        }  # fmt: skip
    return [{"study": studies[name], **chosen} for name in names]
