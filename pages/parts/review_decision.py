"""Keep a threshold and a calibration in a run's model, with who, when and why."""

from __future__ import annotations

import streamlit as st

from pages.parts.identity import ask_for_name
from pages.parts.plain import plain
from vmcore.evaluation import (
    CalibrationMethod,
    OperatingPredictions,
    PredictionsError,
    ThresholdRule,
)
from vmcore.models import BundleError
from vmcore.reporting import decimal
from vmcore.runs import BUNDLED, IMPORTED, Reviewed, RunError, keep_decision


def draw_decision(
    reviewed: Reviewed,
    operating: OperatingPredictions,
    rule: ThresholdRule | None,
    method: CalibrationMethod,
    *,
    moved: bool,
) -> None:
    """Say what the threshold is, and offer to keep it where that is possible."""
    left, right = st.columns([5, 1], vertical_alignment="center")
    words = f"Threshold {decimal(operating.threshold)}: {plain(operating.rule)}."
    if operating.calibration is not None:
        words += f" Probabilities after {operating.calibration.method} scaling."
    left.caption(words)
    if moved or rule is None or reviewed.key in {BUNDLED, IMPORTED}:
        return
    with right.popover("Keep", icon=":material/save:", width="stretch"):
        st.write(
            "Keep this threshold and calibration in the model. Where the model answers on the classify "
            "page, it does so at once."
        )
        who = ask_for_name("decision-who")
        why = st.text_input("Why", key="decision-why")
        if st.button("Keep in the model", type="primary", icon=":material/save:"):
            try:
                keep_decision(reviewed.key, rule, method, why=why, who=who)
            except (RunError, BundleError, PredictionsError) as error:
                st.error(plain(error), icon=":material/error:")
            else:
                st.toast("The model has a new threshold.")
                st.rerun(scope="app")
