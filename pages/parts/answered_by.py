"""Which models answered, and their limits."""

from __future__ import annotations

import streamlit as st

from pages.parts.plain import plain
from pages.parts.uploaded_scan import Models
from vmcore.reporting import decimal


def show_answered_by(models: Models) -> None:
    """The cards of classifier and anatomy, folded up."""
    card = models.classifier.card
    with st.expander(f"Answered by {plain(card.name)}", icon=":material/model_training:"):
        st.write(
            f"{card.folds} folds of {plain(card.architecture)}, made "
            f"{plain(card.created or 'at an unknown time')}. "
            f"Threshold {decimal(card.threshold)}: {plain(card.threshold_rule)}."
        )
        for limit in card.limits:
            st.markdown(f"- {plain(limit)}")
        if models.anatomy is not None:
            measured = models.anatomy.card
            st.write(f"Measured by {plain(measured.name)}, made {plain(measured.created)}.")
            for sentence in measured.cautions:
                st.markdown(f"- {plain(sentence)}")
        st.page_link("pages/about.py", label="The whole model card", icon=":material/info:")
