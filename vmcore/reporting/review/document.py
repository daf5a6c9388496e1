"""The whole evaluation as files: one self-contained HTML document, tables, plots."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import plotly.io

from vmcore import RESEARCH_USE_ONLY, __version__
from vmcore.evaluation import (
    ALL_METRICS,
    OperatingPredictions,
    Split,
    calibration_figures,
    case_table,
    fold_table,
    image_numbers,
    interval_rows,
    predictive_curve,
    rounded,
    subgroup_rows,
)
from vmcore.evaluation.published import NOT_COMPARABLE, SOURCE
from vmcore.reporting.card import calibration_words
from vmcore.reporting.figures import decimal
from vmcore.reporting.review.checklist import YOURS, checklist
from vmcore.reporting.review.plots import all_plots
from vmcore.reporting.review.style import on_paper
from vmcore.reporting.review.tables import latex, model_table, predictive_table, published_table
from vmcore.reporting.spreadsheet import as_csv, for_spreadsheets

_CASES = 50  # wrong cases listed
_STYLE = """
body {font: 15px/1.5 system-ui, sans-serif; color: #1b1f23; max-width: 1080px; margin: 2rem auto;
      padding: 0 1rem}
table {border-collapse: collapse; margin: .6rem 0 1.4rem; font-size: 13px}
th, td {border-bottom: 1px solid #d5dbe0; padding: .25rem .7rem .25rem 0; text-align: left;
        vertical-align: top}
.notice {border: 1px solid #c9822b; background: #fff6e8; padding: .6rem 1rem; border-radius: 6px}
.plots {display: grid; grid-template-columns: repeat(auto-fit, minmax(470px, 1fr)); gap: 1rem}
.published {color: #5b6770} .open {color: #a0521d}
.plots > div {min-width: 0}
@media print {.plots {display: block}}
"""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where predictions come from, as far as it is known.

    Attributes:
        split_by: "subject", "subject where known", "image" or "unknown".
        plan: the run's plan.
        environment: versions and machine.
        training_data: the card's.
        limits: the card's.
        unknown_subjects: images that name no subject; each counts as a subject of its own.
    """

    split_by: str = "unknown"
    plan: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    training_data: Mapping[str, Any] = field(default_factory=dict)
    limits: Sequence[str] = ()
    unknown_subjects: int = 0


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Everything of predictions at an operating point: tables and plots by name. Cases are named by number only."""

    operating: OperatingPredictions
    provenance: Provenance
    tables: dict[str, pd.DataFrame]
    plots: dict[str, go.Figure]


def evaluate(
    operating: OperatingPredictions,
    provenance: Provenance,
    *,
    split: Split | None = None,
    prevalence: float = 0.01,
    others: Sequence[OperatingPredictions] = (),
    comparisons: Sequence[Mapping[str, object]] = (),
) -> Evaluated:
    """Make every table and plot.

    Args:
        operating: the model under review.
        provenance: where it comes from.
        split: which split the plots show; the test where there is one.
        prevalence: share of ventriculomegaly where the model is to be used.
        others: further models for the table like Tables 2 and 3.
        comparisons: rows of comparisons with them.

    Raises:
        PredictionsError: there are no predictions of that split.
    """
    splits = operating.predictions.splits()
    split = split or splits[-1]
    tables = {}
    for each in reversed(splits):  # the test first
        cases = operating.cases(each)
        own = operating.predictions.table
        tables[f"models-{each}"] = model_table(
            [operating, *(r for r in others if each in r.predictions.splits())], each
        )
        tables[f"published-{each}"] = published_table(each)
        tables[f"folds-{each}"] = pd.DataFrame(
            fold_table(own[own["split"] == each], operating.threshold, ALL_METRICS)
        )
        tables[f"intervals-{each}"] = pd.DataFrame(interval_rows(cases, operating.threshold))
        figures = calibration_figures(cases.labels, cases.probability)
        tables[f"calibration-{each}"] = pd.DataFrame(
            [rounded({name: getattr(figures, name) for name in figures.__slots__})]
        )
        groups = subgroup_rows(cases, operating.threshold)
        if groups:
            tables[f"subgroups-{each}"] = pd.DataFrame(groups)
    tables[f"predictive-values-{split}"] = predictive_table(
        predictive_curve(operating.cases(split), operating.threshold, [prevalence])
    )
    if comparisons:
        tables[f"comparisons-{split}"] = pd.DataFrame(comparisons)
    tables[f"wrong-cases-{split}"] = _wrong(operating, split)
    tables["checklist"] = pd.DataFrame(
        [
            {"asked": item.asked, "TRIPOD+AI": item.tripod, "CLAIM": item.claim, "answer": item.answer}
            for item in checklist(
                operating, split_by=provenance.split_by, plan=provenance.plan,
                environment=provenance.environment, training_data=provenance.training_data,
                limits=list(provenance.limits), unknown_subjects=provenance.unknown_subjects,
                compared=bool(comparisons),
            )
        ]
    )  # fmt: skip
    return Evaluated(operating, provenance, tables, all_plots(operating, split, prevalence))


def _wrong(operating: OperatingPredictions, split: Split) -> pd.DataFrame:
    table = case_table(operating, split)
    numbers = image_numbers(operating.predictions)
    wrong = table[table["kind"].str.startswith("false")].head(_CASES)
    folds = [name for name in table.columns if name.startswith("fold ")]
    shown = wrong[["kind", "probability", *folds]].round(4)
    shown.insert(0, "image", [numbers[image] for image in wrong["image"]])
    return shown


_TITLES = {
    "models": "As in the paper's tables: mean ± SD over folds, in per cent",
    "published": "Published, for reference only",
    "folds": "Fold by fold",
    "intervals": "95 % intervals",
    "calibration": "Calibration",
    "subgroups": "Subgroups (Wilson's 95 %)",
    "predictive-values": "Predictive values where the model is to be used",
    "comparisons": "Compared on the same cases (p-values corrected by Holm)",
    "wrong-cases": "Cases called wrongly, by number in the predictions",
    "checklist": "What TRIPOD+AI and CLAIM ask",
}


def document(evaluated: Evaluated) -> str:
    """One HTML file that needs nothing else, plots included."""
    operating, known = evaluated.operating, evaluated.provenance
    parts = [
        f"<h1>{escape(operating.name)}</h1><p class=notice>{escape(RESEARCH_USE_ONLY)}</p>",
        (
            f"<p>Threshold {decimal(operating.threshold)}: {escape(operating.rule)}; {calibration_words(operating.calibration)}. "
            f"Split by {escape(known.split_by)}. Made {datetime.now(UTC):%Y-%m-%d} by VentriScope "
            f"{__version__}.</p>"
        ),
    ]
    if known.split_by == "image":
        parts.append(
            "<p class=notice>Split by image, not by subject: images of one fetus may stand on both "
            "sides, and the figures may be too good.</p>"
        )
    elif known.unknown_subjects:
        parts.append(
            f"<p class=notice>{known.unknown_subjects:,} images name no subject: one fetus may stand "
            "on both sides of the split, and the figures may be too good.</p>"
        )
    optimism = (
        operating.optimism("validation") if "validation" in operating.predictions.splits() else None
    )
    said = [*operating.predictions.concerns, *([optimism] if optimism else []), *known.limits]
    if said:
        items = "".join(f"<li>{escape(text)}</li>" for text in said)
        parts.append(f"<h2>What the figures do not prove</h2><ul>{items}</ul>")
    parts.append(f"<h2>Plots</h2><div class=plots>{_plots(evaluated.plots)}</div>")
    for name, table in evaluated.tables.items():
        key, _, split = name.rpartition("-")
        title = _TITLES.get(key or name, name)
        heading = f"{title}: {split}" if key else title
        beside = escape(f"{SOURCE}. {NOT_COMPARABLE}")
        source = f"<p class=published>{beside}</p>" if key == "published" else ""
        parts.append(f"<h2>{escape(heading)}</h2>{source}{_html(table, name)}")
    for title, content in (("Settings", known.plan), ("Environment", known.environment)):
        if content:
            rows = pd.DataFrame({"value": {k: str(v) for k, v in content.items()}}).reset_index()
            parts.append(f"<h2>{title}</h2>{_html(rows, title)}")
    body = "\n".join(parts)
    return (
        "<!doctype html><html lang=en><head><meta charset=utf-8><title>VentriScope evaluation"
        f"</title><style>{_STYLE}</style></head><body>{body}</body></html>"
    )


def _plots(plots: Mapping[str, go.Figure]) -> str:
    made = []
    for number, figure in enumerate(plots.values()):
        made.append(
            plotly.io.to_html(
                on_paper(figure), full_html=False, include_plotlyjs=number == 0,
                default_width="100%", config={"displaylogo": False, "responsive": True},
            )
        )  # fmt: skip
    return "".join(f"<div>{html}</div>" for html in made)


def _html(table: pd.DataFrame, name: str) -> str:
    text = table.to_html(index=False, na_rep="–", border=0, classes=name.split("-", maxsplit=1)[0])
    return text.replace(f"<td>{YOURS}</td>", f"<td class=open>{YOURS}</td>")


def files(evaluated: Evaluated) -> dict[str, bytes]:
    """The document and every table as CSV and LaTeX, by file name."""
    made = {"report.html": document(evaluated).encode()}
    for name, table in evaluated.tables.items():
        key, _, split = name.rpartition("-")
        title = _TITLES.get(key or name, name) + (f" ({split})" if key else "")
        noted = table.assign(notice=RESEARCH_USE_ONLY)
        made[f"tables/{name}.csv"] = for_spreadsheets(as_csv(noted))
        made[f"tables/{name}.tex"] = latex(table, f"{title}. {RESEARCH_USE_ONLY}").encode()
    return made


def packed(content: Mapping[str, bytes]) -> bytes:
    """Files as one ZIP archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return stream.getvalue()
