"""Where a model's results come from, in a line or two."""

from __future__ import annotations

import streamlit as st

from pages.parts.plain import plain
from vmcore.models.architectures import ARCHITECTURES
from vmcore.models.bundle_card import BundleCard, StartingWeights
from vmcore.runs import Reviewed

_READS = {"token": "the class token", "avg": "the mean of the patches"}


def draw(reviewed: Reviewed) -> None:
    """Draw network and starting weights; nothing for predictions made elsewhere."""
    card = reviewed.card
    if card is None:
        return
    start = card.starting_weights or _noted(reviewed)
    said = [_network(card), start.sentence() if start else ""]
    st.caption(f":material/history_edu: {plain(' '.join(said).strip())}")


def _network(card: BundleCard) -> str:
    kind = ARCHITECTURES[card.architecture]
    reads = f", whose head reads {_READS[card.pooling]}" if kind.width is not None else ""
    return f"{kind.title}{reads}; {card.folds} folds."


def _noted(reviewed: Reviewed) -> StartingWeights | None:
    """What the run's environment tells, for a bundle of before its card told it."""
    noted = reviewed.environment.get("starting_weights")
    if not isinstance(noted, dict) or "weights" not in noted:
        return None
    return StartingWeights(weights=str(noted["weights"]), sha256=list(noted.get("sha256", [])))
