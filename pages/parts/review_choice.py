"""Which model is reviewed, on which split, through which calibration, at which threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

import streamlit as st
from scipy.special import expit

from pages.parts.plain import plain
from pages.parts.review_decision import draw_decision
from vmcore.evaluation import (
    CalibrationMethod,
    CaseSet,
    OperatingPredictions,
    PredictionsError,
    Split,
    ThresholdRule,
    apply_operating_point,
    calibration_from_validation,
    with_rule,
)
from vmcore.models.calibration import logit
from vmcore.runs import (
    IMPORTED,
    ReviewableModel,
    Reviewed,
    imported,
    open_reviewed,
    reviewable,
    reviewed_digest,
)

_FRESH_S = 5
_EXTREME = 0.005  # thresholds closer to 0 or 1 are shown by log odds
_KEPT = "as kept"
_METHODS = {
    _KEPT: _KEPT,
    "none": "none",
    "temperature": "temperature scaling",
    "platt": "Platt scaling",
}
_RULES = {
    _KEPT: _KEPT,
    "youden": "Youden's index",
    "sensitivity": "sensitivity ≥",
    "specificity": "specificity ≥",
    "cost": "cost of a miss",
}


@dataclass(frozen=True, slots=True)
class Review:
    """What is looked at.

    Attributes:
        reviewed: the model.
        operating: its predictions with calibration and threshold as chosen.
        split: validation or test.
    """

    reviewed: Reviewed
    operating: OperatingPredictions
    split: Split

    @property
    def probabilities(self) -> tuple[Any, ...]:
        """Equal where the cases and their probabilities are, for caches that sessions share."""
        reviewed, calibration = self.reviewed, str(self.operating.calibration)
        return (reviewed.key, reviewed.digest, self.split, calibration)

    @property
    def token(self) -> tuple[Any, ...]:
        """Equal where the decisions are equal too."""
        return (*self.probabilities, self.operating.threshold)

    @property
    def cases(self) -> CaseSet:
        """The cases of the split."""
        return self.operating.cases(self.split)

    @property
    def judged_by(self) -> str:
        """In words, which probability of a case decides."""
        if self.split == "validation":
            return "each image's probability by the fold that had not seen it"
        several = len(self.cases.folds) > 1
        return "the folds' mean probability" if several else "the probability"


def choose_reviewed() -> Reviewed | None:
    """Draw the choice of the model.

    Raises:
        RunError, BundleError, PredictionsError: the model's results cannot be opened.
    """
    listed: dict[str, ReviewableModel | None] = dict(reviewables())
    asked = st.query_params.get("model")
    if asked and asked not in listed and asked != IMPORTED:
        open_reviewed(asked)  # says what is wrong with it, or it is newer than the list
        reviewables.clear()
        listed = dict(reviewables())
    if "imported" in st.session_state:
        listed[IMPORTED] = None
    if st.session_state.pop("show-imported", False):
        asked = IMPORTED
    keys = list(listed)
    left, right = st.columns([5, 1], vertical_alignment="bottom")

    def words(key: str) -> str:
        one = listed[key]
        if one is None:
            return st.session_state.imported.name
        return f"{one.name} · {one.architecture} · {one.study}"

    key = left.selectbox(
        "Model", keys, index=keys.index(asked) if asked in keys else 0, format_func=words,
        key=f"model-{len(keys)}-{asked == IMPORTED}",
    )  # fmt: skip
    with right.popover("Import", icon=":material/upload:", width="stretch"):
        _import()
    st.query_params["model"] = key
    return load_reviewed(key)


@st.cache_data(ttl=_FRESH_S, show_spinner=False)
def reviewables() -> dict[str, ReviewableModel]:
    """Models that can be reviewed, by key; asked for again after a few seconds."""
    return {one.key: one for one in reviewable()}


def load_reviewed(key: str) -> Reviewed:
    """A model's results, read once for all sessions; imported ones belong to their session."""
    if key == IMPORTED:
        return st.session_state.imported
    return _open(key, reviewed_digest(key))


@st.cache_resource(max_entries=8, show_spinner="Reading the predictions …")
def _open(key: str, digest: str) -> Reviewed:
    del digest  # part of the cache's key
    return open_reviewed(key)


def _import() -> None:
    st.write(
        "Predictions made elsewhere, as CSV: image, label (normal or ventriculomegaly), probability; "
        "and subject, fold and split (validation or test) where they are known."
    )
    upload = st.file_uploader("Predictions", type="csv", key="predictions-file")
    if upload is None or st.session_state.get("imported-file") == upload.file_id:
        return
    try:
        st.session_state.imported = imported(upload.getvalue())
    except PredictionsError as error:
        st.error(plain(error), icon=":material/error:")
        return
    st.session_state["imported-file"] = upload.file_id
    st.session_state["show-imported"] = True
    st.query_params["model"] = IMPORTED
    st.rerun(scope="app")


def choose_operating(key: str) -> Review:
    """Draw split, calibration, rule and threshold.

    Raises:
        RunError, BundleError, PredictionsError: what is chosen cannot be had.
    """
    reviewed = load_reviewed(key)
    for sentence in reviewed.predictions.concerns:
        st.caption(f":orange[:material/warning: {plain(sentence)}]")
    if reviewed.split_by == "image":
        st.caption(
            ":orange[:material/warning: Split by image, not by subject: the figures may be too good.]"
        )
    elif reviewed.unknown_subjects:
        st.caption(
            f":orange[:material/warning: {reviewed.unknown_subjects:,} images name no subject: one "
            "fetus may stand on both sides of the split, and the figures may be too good.]"
        )
    splits = reviewed.predictions.splits()
    first, second, third, fourth = st.columns([4, 3, 5, 4], gap="medium")
    asked = st.query_params.get("split")
    split = first.segmented_control(
        "Images", splits, default=asked if asked in splits else splits[-1], required=True,
        format_func=str.capitalize, key=f"split-{key}",
    )  # fmt: skip
    st.query_params["split"] = split
    fitted = "validation" in splits
    methods = list(_METHODS) if fitted else [_KEPT]
    method = second.selectbox(
        "Calibration", methods, format_func=_METHODS.__getitem__, key=f"method-{key}",
        help="Fitted on validation images only.",
    )  # fmt: skip
    with third:
        rule = _rule(key, list(_RULES) if fitted else [_KEPT])
    start = _start(reviewed, method, rule)
    with fourth:
        threshold = _threshold(start.threshold, f"threshold-{key}-{method}-{rule}")
    moved = threshold != start.threshold
    operating = start.at(threshold, "moved by hand, to explore") if moved else start
    draw_decision(reviewed, operating, rule, _method_of(reviewed, method), moved=moved)
    return Review(reviewed, operating, split)


def _threshold(kept: float, key: str) -> float:
    """Draw the threshold; untouched it is exactly the kept one, whatever the slider can show.

    Close to 0 or 1, where confident networks have it, the slider goes by log odds.
    """
    words = (
        "Move it to explore. What is kept in a model comes from a rule on validation images, never "
        "from test images."
    )
    key = f"{key}-{kept!r}"
    if _EXTREME <= kept <= 1 - _EXTREME:
        shown = round(kept, 4)
        chosen = st.slider("Threshold", 0.0, 1.0, shown, 0.0005, format="%.4f", key=key, help=words)
        return kept if chosen == shown else chosen
    shown = round(float(logit(kept)), 1)
    chosen = st.slider("Threshold (log odds)", -17.0, 17.0, shown, 0.1, key=key, help=words)
    return kept if chosen == shown else float(expit(chosen))


def _method_of(reviewed: Reviewed, method: str) -> CalibrationMethod:
    if method == _KEPT:
        kept = reviewed.card.calibration if reviewed.card else None
        return kept.method if kept else "none"
    return next(name for name in get_args(CalibrationMethod) if name == method)


def _rule(key: str, kinds: list[str]) -> ThresholdRule | None:
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    kind = left.selectbox(
        "Threshold by", kinds, format_func=_RULES.__getitem__, key=f"rule-{key}",
        help="Chosen on validation images only.",
    )  # fmt: skip
    if kind in {_KEPT, "youden"}:
        return None if kind == _KEPT else ThresholdRule("youden")
    if kind == "cost":
        ratio = right.number_input("False alarms", 0.1, 1000.0, 10.0, key=f"cost-{key}")
        return ThresholdRule("cost", ratio)
    least = right.number_input("At least (%)", 1.0, 100.0, 95.0, 0.5, key=f"least-{key}-{kind}")
    return ThresholdRule("sensitivity" if kind == "sensitivity" else "specificity", least / 100)


def _start(reviewed: Reviewed, method: str, rule: ThresholdRule | None) -> OperatingPredictions:
    kept = reviewed.operating()
    if method == _KEPT and rule is None:
        return kept
    calibration = (
        kept.calibration
        if method == _KEPT
        else calibration_from_validation(reviewed.predictions, _method_of(reviewed, method))
    )
    operating = apply_operating_point(
        reviewed.name,
        reviewed.predictions,
        kept.threshold,
        kept.rule,
        calibration,
        epochs_chosen=kept.epochs_chosen,
    )
    if rule is not None:
        return with_rule(operating, rule)
    # the kept threshold on the other calibration's scale, so that decisions stay what they were
    raw = kept.threshold
    if kept.calibration is not None:
        raw = float(kept.calibration.invert(raw))
    moved = float(calibration.apply(raw)) if calibration is not None else raw
    return operating.at(moved, kept.rule)
