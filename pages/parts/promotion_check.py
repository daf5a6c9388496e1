"""Old cases that a model is held against before it answers: choose them, compare, look at what gets worse."""

from __future__ import annotations

import streamlit as st

from pages.parts.plain import plain
from pages.parts.table import show_table
from vmcore.data import ManifestError
from vmcore.evaluation import PredictionsError
from vmcore.models import CLASSES, BundleError
from vmcore.runs import (
    BUNDLED,
    PromotionCheck,
    RegressionSet,
    RunError,
    check_promotion,
    choose_regression_set,
    read_regression_set,
    remove_regression_set,
)
from vmcore.runs.regression_set import BOUND

_PICTURES, _COLUMNS = 12, 4


def draw_check(run_id: str) -> tuple[bool, float]:
    """Draw the old cases and how a run's model does on them.

    Returns:
        whether there are any, and the bound that is set: by how much a probability for the true class
        may fall.
    """
    st.markdown("**Old cases**")
    try:
        kept = read_regression_set()
    except RunError as error:
        st.error(plain(error), icon=":material/error:")
        _remove()
        return True, BOUND
    if kept is None:
        _choose(run_id)
        return False, BOUND
    _kept(kept)
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    bound = left.number_input(
        "A probability for the true class may fall by", 0.0, 1.0, BOUND, 0.05,
        key=f"bound-{run_id}",
    )  # fmt: skip
    if right.button("Compare with the model in use", icon=":material/compare:", width="stretch"):
        try:
            with st.spinner("Asking both models …"):
                st.session_state[_key(run_id)] = check_promotion(run_id, bound=bound), kept.digest
        except (RunError, BundleError) as error:
            st.error(plain(error), icon=":material/error:")
    check = last_check(run_id, kept.digest)
    if check is not None:
        _found(check, kept)
    return True, bound


def note_check(run_id: str, check: PromotionCheck) -> None:
    """Keep what a promotion found, so that it is shown."""
    kept = read_regression_set()
    if kept is not None:
        st.session_state[_key(run_id)] = check, kept.digest


def last_check(run_id: str, digest: str | None = None) -> PromotionCheck | None:
    """What was found last in this session of a run's model, on the old cases of this digest."""
    check, of = st.session_state.get(_key(run_id), (None, None))
    return check if digest is None or of == digest else None


def _key(run_id: str) -> str:
    return f"promotion-check-{run_id}"


def _choose(run_id: str) -> None:
    st.info(
        "No old cases are kept, so a new model is compared with nothing. Keep some once, from a model "
        "that you trust; every later model is then held against them before it answers.",
        icon=":material/history_edu:",
    )
    with st.popover("Choose old cases", icon=":material/playlist_add:"):
        sources = {run_id: "this run's test and validation images"}
        sources[BUNDLED] = "the bundled model's, where they are on this machine"
        key = st.radio("From", list(sources), format_func=sources.__getitem__, key=f"old-{run_id}")
        most = st.number_input("At the most", 2, 1000, 100, 10, key=f"most-{run_id}")
        st.caption(
            "Copies of prepared pixels are kept in the store, without names; they go again where the "
            "image is taken out of its study or the study is deleted."
        )
        if st.button("Keep them", type="primary", key=f"keep-{run_id}"):
            try:
                with st.spinner("Copying …"):
                    choose_regression_set(key, most=int(most))
            except (RunError, BundleError, ManifestError, PredictionsError) as error:
                st.error(plain(error), icon=":material/error:")
            else:
                st.rerun()


def _kept(kept: RegressionSet) -> None:
    sick = sum(case.label for case in kept.cases)
    left, right = st.columns([4, 1], vertical_alignment="center")
    left.caption(
        f"{len(kept.cases)} cases of the model “{plain(kept.origin)}”, {sick} with ventriculomegaly, "
        f"chosen {kept.chosen}."
    )
    with right:
        _remove()


def _remove() -> None:
    with st.popover("Remove", icon=":material/delete:", width="stretch"):
        st.write(
            "The copies go for good; later models are compared with nothing until others are kept."
        )
        if st.button("Remove the old cases", type="primary"):
            try:
                remove_regression_set()
            except RunError as error:
                st.error(plain(error), icon=":material/error:")
            else:
                st.rerun()


def _found(check: PromotionCheck, kept: RegressionSet) -> None:
    if not check.worse:
        st.success(plain(check.sentence()), icon=":material/check_circle:")
    else:
        st.warning(plain(check.sentence()), icon=":material/warning:")
    st.caption(plain(check.caution()))
    if not check.worse:
        return
    try:
        _pictures(check, kept)
    except (RunError, IndexError) as error:
        st.error(plain(error), icon=":material/error:")
    rows = [
        {
            "case": case.number, "is": CLASSES[case.label], "in use": round(case.before, 3),
            "new": round(case.after, 3), "called wrongly now": "yes" if case.flipped else "no",
        }
        for case in check.worse
    ]  # fmt: skip
    show_table(rows)
    st.caption("Probabilities of ventriculomegaly.")


def _pictures(check: PromotionCheck, kept: RegressionSet) -> None:
    for start in range(0, min(len(check.worse), _PICTURES), _COLUMNS):
        row = check.worse[start : start + _COLUMNS]
        for column, case in zip(st.columns(_COLUMNS), row, strict=False):
            column.image(kept.image(case.number), width="stretch")
            column.caption(
                f"case {case.number}, {CLASSES[case.label]}: {case.before:.2f} → {case.after:.2f}"
                + (" · wrong now" if case.flipped else "")
            )
