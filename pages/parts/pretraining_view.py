"""A pretraining while it learns and afterwards: curves, pictures of what it draws, its weights."""

from __future__ import annotations

import streamlit as st

from pages.parts.jump import jump
from vmcore.reporting import pretraining_curves
from vmcore.runs import (
    PAPER_SETTINGS,
    Plan,
    PretrainPlan,
    RunFolder,
    RunStatus,
    reconstructions,
    studies_folder,
)

_PLAIN = {"displayModeBar": False}


def draw(folder: RunFolder, plan: PretrainPlan, stands: RunStatus) -> None:
    """Draw what is a pretraining's own.

    Args:
        folder: the run.
        plan: its plan.
        stands: how it stands.
    """
    if stands.state == "finished":
        _take_on(folder, plan)
    st.plotly_chart(
        pretraining_curves({plan.name: folder.pretrain_history()}, plan.epochs), width="stretch",
        key=f"curves-{folder.run_id}", config=_PLAIN,
    )  # fmt: skip
    _pictures(folder)


def _pictures(folder: RunFolder) -> None:
    pictures = reconstructions(folder)
    if not pictures:
        return
    after = max(pictures)
    if len(pictures) > 1:
        after = st.select_slider(
            "What it draws after so many epochs", list(pictures), value=after,
            key=f"pictures-{folder.run_id}-{len(pictures)}",  # a new one is shown at once
        )  # fmt: skip
    st.image(pictures[after].read_bytes(), width="stretch")
    st.caption(
        f"After {after} {'epoch' if after == 1 else 'epochs'}. Above: the images. In the middle: "
        "what the network sees of them. Below: what it makes of it. Cleaned images only; the same "
        "ones and the same hidden patches each time."
    )


def _take_on(folder: RunFolder, plan: PretrainPlan) -> None:
    first, second, third = st.columns(3)
    if first.button(
        "Fine-tune from this", icon=":material/arrow_forward:", type="primary", width="stretch"
    ):
        st.session_state.cloned = _fine_tuning(folder, plan)
        jump("new")
    second.download_button(
        "Weights (.safetensors)", folder.pretrained.read_bytes,
        file_name=f"mae_{plan.architecture}.safetensors", icon=":material/download:",
        on_click="ignore", width="stretch",
    )  # fmt: skip
    third.download_button(
        "Weights (.pth)", folder.public_weights(plan.architecture).read_bytes,
        file_name=folder.public_weights(plan.architecture).name, icon=":material/download:",
        on_click="ignore", width="stretch",
        help="With the keys of the public USF-MAE's files, for other programs. For research use only.",
    )  # fmt: skip


def _fine_tuning(folder: RunFolder, plan: PretrainPlan) -> Plan:
    """A cross-validation from this encoder, with the split whose test it has not seen."""
    held = plan.held_out[0] if plan.held_out else None
    study = next(iter(plan.studies), studies_folder())  # of a corpus alone: the form offers another
    split = held.model_dump() if held else {"study": study}
    return Plan(
        name=f"from {plan.name}"[:80],
        architecture=plan.architecture,
        weights=f"run:{folder.run_id}",
        settings=PAPER_SETTINGS[plan.architecture],
        precision=plan.precision,
        **split,
    )
