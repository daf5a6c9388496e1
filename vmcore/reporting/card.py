"""A bundle's card as a document, every figure taken from the bundle itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vmcore import RESEARCH_USE_ONLY
from vmcore.anatomy import AnatomyCard
from vmcore.models import BundleCard, Calibration
from vmcore.reporting.figures import decimal


def model_card(card: BundleCard) -> str:
    """Markdown: what the model is, what its figures do not prove, the figures, the data."""
    parts = [
        f"# {card.name}",
        f"> {RESEARCH_USE_ONLY}",
        (
            f"{card.architecture}, {card.folds} folds, made {card.created or 'at an unknown date'}. "
            f"A scan is called ventriculomegaly where the folds' mean probability reaches "
            f"{decimal(card.threshold)} ({card.threshold_rule}); {calibration_words(card.calibration)}."
        ),
    ]
    if card.limits:
        parts += [
            "## What the figures do not prove",
            "\n".join(f"- {text}" for text in card.limits),
        ]
    return _document([*parts, *_sections(card)])


def anatomy_card(card: AnatomyCard) -> str:
    """Markdown: what the anatomy model is, its cautions and limits, the figures, the data."""
    limits = card.limits
    parts = [
        f"# {card.name}",
        f"> {RESEARCH_USE_ONLY}",
        (
            f"Finds head and ventricle and measures the atrium; made {card.created}. A width is told "
            f"where the likeliest place has a probability of {limits.atrium:.2f} or more, the ventricle "
            f"is visible with {limits.visible:.2f} or more, and one standard deviation is at most "
            f"{limits.uncertainty:.3f} of the head's short axis."
        ),
        "## What to bear in mind",
        "\n".join(f"- {text}" for text in card.cautions),
    ]
    return _document([*parts, *_sections(card)])


def _sections(card: BundleCard | AnatomyCard) -> list[str]:
    parts = []
    for heading, content in (("Figures", card.metrics), ("Training data", card.training_data)):
        if content:
            parts.append(f"## {heading}")
        for title, value in content.items():
            parts += [f"### {title}", _value(value)]
    return [*parts, "## Licence", card.licence]


def _document(parts: Sequence[str]) -> str:
    return "\n\n".join(parts) + "\n"


def calibration_words(calibration: Calibration | None) -> str:
    """Whether probabilities are as the networks gave them."""
    if calibration is None:
        return "probabilities as the networks gave them"
    return (
        f"probabilities after {calibration.method} scaling fitted on validation images (slope "
        f"{calibration.slope:.3f}, intercept {calibration.intercept:.3f})"
    )


def _value(value: Any) -> str:
    if isinstance(value, list) and value and all(isinstance(row, Mapping) for row in value):
        return _table(value)
    return str(value)


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [columns, ["---"] * len(columns)]
    lines += [
        ["–" if row.get(name) is None else str(row[name]) for name in columns] for row in rows
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
