"""A model's figures at an operating point: curves, confusion matrix, tables, intervals, subgroups."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from pages.parts import review_provenance
from pages.parts.review_choice import Review
from pages.parts.table import show_table
from vmcore.evaluation import (
    ALL_METRICS,
    CurveBand,
    binary_metrics,
    fold_table,
    interval_rows,
    operating_point,
    pr_band,
    roc_band,
    subgroup_rows,
    wilson,
)
from vmcore.evaluation.published import NOT_COMPARABLE, SOURCE
from vmcore.reporting import decimal, shown_table
from vmcore.reporting.review import (
    browser_options,
    confusion_figure,
    model_table,
    pr_figure,
    published_table,
    roc_figure,
)

_WITH_INTERVALS, _INTERVAL_PX = ("Recall", "Specificity"), 190
_FINDING, _DRAWN = "finding", "drawn"
"""How predictions on phantoms are told from those on real images (``train.bundled``)."""
_LOOKS = {"folds": "Thin lines", "±": "band", "mean": "thick line", "at the": "diamond"}
"""What a curve's parts look like, by how their names begin."""
_SHOWN = {
    "recall": "Sensitivity (recall)",
    "specificity": "Specificity",
    "precision": "Precision (PPV)",
    "f1": "F1",
    "auc": "AUC",
    "mcc": "MCC",
}


def draw(review: Review) -> None:
    """Draw the view."""
    _tiles(review)
    if optimism := review.operating.optimism(review.split):
        st.caption(f":orange[:material/warning: {optimism}]")
    _curves(review)
    _table(review)
    st.markdown("**95 % intervals**")
    slot = st.container()
    _folds(review)
    _subgroups(review)
    with slot:  # drawn last: it takes the longest
        rows = _intervals(review.token, review)
        show_table(shown_table(rows))
        st.caption(
            "Mean over folds as the paper reports it; together: each case by the probability that "
            "counts. BCa: subjects drawn whole. Wilson: as if images were independent."
        )
    review_provenance.draw(review.reviewed)


def _folds(review: Review) -> None:
    st.markdown("**Fold by fold**")
    table = review.operating.predictions.table
    rows = fold_table(
        table[table["split"] == review.split], review.operating.threshold, ALL_METRICS
    )
    show_table(shown_table(rows))


def _tiles(review: Review) -> None:
    cases = review.cases
    figures = binary_metrics(cases.labels, cases.probability, review.operating.threshold)
    for column, (name, title) in zip(st.columns(len(_SHOWN)), _SHOWN.items(), strict=True):
        value = figures[name]
        column.metric(title, "–" if pd.isna(value) else f"{value:.3f}")
    tp, fp, tn, fn = (int(figures[key]) for key in ("tp", "fp", "tn", "fn"))
    sick, well = wilson(tp, tp + fn), wilson(tn, tn + fp)
    st.caption(
        f"{len(cases):,} images of {cases.subject_count:,} subjects, {tp + fn:,} with "
        f"ventriculomegaly; {review.judged_by} decides. Wilson's 95 %: sensitivity {sick}, "
        f"specificity {well}."
    )
    _of_real_images(review)


def _of_real_images(review: Review) -> None:
    """Say what is left where phantoms are among the cases: they are easier than any fetus."""
    cases = review.cases
    if _FINDING not in cases.known:
        return
    drawn, wide = (cases.known[_FINDING] == _DRAWN).to_numpy(), cases.labels == 1
    if not drawn.any():
        return
    if drawn.all():
        st.caption(
            ":orange[:material/warning: All of these are drawn phantoms; none is a real image.]"
        )
        return
    left = binary_metrics(
        cases.labels[~drawn], cases.probability[~drawn], review.operating.threshold
    )
    told = {
        name: "–" if pd.isna(left[name]) else f"{left[name]:.3f}"
        for name in ("recall", "specificity", "auc")
    }
    st.caption(
        f":orange[:material/warning: {(drawn & wide).sum():,} of the {wide.sum():,} with ventriculomegaly and "
        f"{(drawn & ~wide).sum():,} of the {(~wide).sum():,} without are drawn phantoms. Of real images alone: sensitivity "
        f"{told['recall']} ({(wide & ~drawn).sum():,} images), specificity {told['specificity']} "
        f"({(~wide & ~drawn).sum():,}), AUC {told['auc']}.]"
    )


def _curves(review: Review) -> None:
    roc, pr = _bands(review.probabilities, review)
    point = operating_point(review.cases, review.operating.threshold)
    first, second, third = st.columns(3, gap="medium")
    prevalence = float(review.cases.labels.mean())
    for column, name, figure in (
        (first, "roc", roc_figure(roc, point)),
        (second, "precision-recall", pr_figure(pr, point, prevalence)),
        (third, "confusion", confusion_figure(point, len(review.cases.folds))),
    ):
        figure.update_layout(showlegend=False)  # in a narrow window it would lie over the axis
        column.plotly_chart(figure, theme=None, key=name, config=browser_options(name))
        if words := _legend(figure):
            column.caption(words)
    if review.split == "test" and len(review.cases.folds) > 1:
        third.caption(
            "As in the paper each fold judges each image; in the figures above their mean judges it once."
        )


def _legend(figure: go.Figure) -> str:
    """What a plot's lines are, in a sentence."""
    names = [
        str(trace.name) for trace in figure.data if trace.name and trace.showlegend is not False
    ]
    said = [
        f"{look}: {name}"
        for name in names
        for begins, look in _LOOKS.items()
        if name.startswith(begins)
    ]
    return "; ".join(said)


@st.cache_data(max_entries=32, show_spinner=False)
def _bands(token: tuple[Any, ...], _review: Review) -> tuple[CurveBand, CurveBand]:
    del token
    return roc_band(_review.cases), pr_band(_review.cases)


@st.cache_data(max_entries=64, show_spinner="Drawing subjects again and again …")
def _intervals(token: tuple[Any, ...], _review: Review) -> list[dict[str, Any]]:
    del token
    return interval_rows(_review.cases, _review.operating.threshold)


def _table(review: Review) -> None:
    number = {"validation": 2, "test": 3}[review.split]
    st.markdown(f"**As in the paper's Table {number}** (mean ± SD over folds, per cent)")
    show_table(shown_table(model_table([review.operating], review.split)))
    st.caption(
        f"At the threshold {decimal(review.operating.threshold)}; the paper's classifier decides at 0.5. "
        "AUC needs no threshold."
    )
    with st.expander("Published figures, for reference", icon=":material/menu_book:"):
        show_table(shown_table(published_table(review.split)))
        st.caption(f"{SOURCE}. {NOT_COMPARABLE}")


def _subgroups(review: Review) -> None:
    rows = subgroup_rows(review.cases, review.operating.threshold)
    if rows:
        st.markdown("**Subgroups** (Wilson's 95 %)")
        wide = {name: st.column_config.Column(width=_INTERVAL_PX) for name in _WITH_INTERVALS}
        show_table(shown_table(rows), column_config=wide)
