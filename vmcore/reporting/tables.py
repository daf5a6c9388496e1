"""Results as CSV. Scans are numbered: a file's name may identify a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from vmcore import RESEARCH_USE_ONLY
from vmcore.anatomy import Anatomy, Grades, HandCalliper, misplaced
from vmcore.inference import Analysis
from vmcore.models import BundleCard
from vmcore.reporting.case.assessment import Assessment
from vmcore.reporting.case.comparison import case_verdict
from vmcore.reporting.case.reported import ReportedCase
from vmcore.reporting.measurement import shown_mm
from vmcore.reporting.spreadsheet import as_csv

_NO_ANSWER = "No answer"


def results_csv(
    analyses: Sequence[tuple[int, Analysis]],
    card: BundleCard,
    grades: Grades = "isuog",
    assessments: Mapping[tuple[int, int], Assessment] | None = None,
    hand: Mapping[tuple[int, int], Sequence[HandCalliper]] | None = None,
    file_digests: Mapping[int, str | None] | None = None,
    unanswered: Sequence[tuple[int | None, str]] = (),
) -> str:
    """One row a scan and frame, and one for every file without an answer.

    Args:
        analyses: pairs of the scan's number on the page and its analysis.
        card: the model that answered.
        grades: how a width is graded (:func:`vmcore.anatomy.grade`).
        assessments: what people decided, by the scan's number and the frame, from 0.
        hand: callipers that people set, by the same.
        file_digests: SHA-256 of the file as it came, by the scan's number, by which its owner knows it.
        unanswered: the number of a file without an answer, None where it got none, and why.

    Returns:
        CSV text: scan, frame, file_sha256, verdict, finding (the verdict's; empty where that is withheld),
        classifier_label, probability, threshold, fold_1.., spread,
        atrial_width_mm (in tenths, as it is told and graded) and where its millimetres come from, atrial_width_share (of the head's short axis) with its standard deviation, side,
        head circumference and biparietal diameter in mm, in_domain, pixel spacing in mm, removed, notes on how
        the file was read, widths by hand in mm or pixels with their sides and why one cannot be an atrium's, decision (empty before one), decided_label, decided_width_mm, reason, comment,
        decided_by, model, created and the research-use notice.
    """
    rows: list[dict[str, Any]] = []
    for number, analysis in analyses:
        prediction, spacing = analysis.prediction, analysis.scan.spacing_mm
        by_hand = tuple((hand or {}).get((number, analysis.frame), ()))
        said = case_verdict(ReportedCase(analysis, card, grades, by_hand))
        row: dict[str, Any] = {
            "scan": number,
            "frame": analysis.frame + 1,
            "file_sha256": (file_digests or {}).get(number),
            "verdict": said.headline,
            "finding": None if said.tone == "withheld" else said.tone,
            "classifier_label": prediction.label,
            "probability": prediction.probability,
            "threshold": prediction.threshold,
        }
        folds = enumerate(prediction.fold_probabilities, start=1)
        row |= {f"fold_{index}": float(value) for index, value in folds}
        row |= _measured(analysis.anatomy)
        row["anatomy_model_digest"] = (analysis.anatomy_digest or "")[:12] or None
        row |= {
            "spread": prediction.spread,
            "in_domain": prediction.in_domain,
            "row_spacing_mm": spacing[0] if spacing else None,
            "column_spacing_mm": spacing[1] if spacing else None,
            "removed": "; ".join(removal.kind for removal in analysis.clean.removals),
            "notes": " ".join(analysis.scan.notes),
        }
        row |= _by_hand(by_hand, analysis.anatomy)
        row |= _decided((assessments or {}).get((number, analysis.frame)))
        row |= {
            "model": card.name,
            "model_created": card.created,
            "notice": RESEARCH_USE_ONLY,
        }
        rows.append(row)
    rows += [
        {
            "scan": number,
            "file_sha256": None if number is None else (file_digests or {}).get(number),
            "verdict": _NO_ANSWER,
            "notes": why,
            "notice": RESEARCH_USE_ONLY,
        }
        for number, why in unanswered
    ]
    table = pd.DataFrame(rows)  # its columns stand as in answered rows, whatever comes first
    if len(table):
        table = table.sort_values("scan", kind="stable")
        numbers = [name for name in ("scan", "frame") if name in table]
        table[numbers] = table[numbers].astype("Int64")  # whole, though some are not known
    return as_csv(table)


def _by_hand(callipers: Sequence[HandCalliper], anatomy: Anatomy | None) -> dict[str, object]:
    """Widths that a person measured, as many as there are; empty where there are none."""
    return {
        "hand_widths": "; ".join(
            f"{one.width_px:.1f} px" if one.width_mm is None else f"{one.width_mm:.1f} mm"
            for one in callipers
        ),
        "hand_sides": "; ".join(one.side or "unknown" for one in callipers),
        "hand_millimetres_from": "; ".join(one.millimetres_from or "none" for one in callipers),
        "hand_doubts": " ".join(filter(None, (misplaced(one, anatomy) for one in callipers))),
    }


def _decided(assessment: Assessment | None) -> dict[str, object]:
    """What a person decided; empty where nobody did."""
    return {
        "decision": assessment.outcome if assessment else None,
        "decided_label": assessment.label if assessment else None,
        "decided_width_mm": assessment.width_mm if assessment else None,
        "reason": assessment.reason if assessment else None,
        "comment": assessment.comment if assessment else None,
        "decided_by": assessment.person if assessment else None,
    }


def _measured(anatomy: Anatomy | None) -> dict[str, object]:
    """What was measured; empty where it could not be."""
    atrium = anatomy.atrium if anatomy else None
    head = anatomy.head if anatomy else None
    return {
        "head_found": None if anatomy is None else head is not None,
        "atrial_width_mm": shown_mm(atrium) if atrium else None,
        "atrial_width_mm_sd": atrium.uncertainty_mm if atrium else None,
        "millimetres_from": atrium.millimetres_from if atrium else None,
        "ruler_tick_mm": anatomy.ruler.tick_mm if anatomy and anatomy.ruler else None,
        "atrial_width_share": atrium.head_share if atrium else None,
        "atrial_width_share_sd": atrium.uncertainty if atrium else None,
        "atrium_side": atrium.side if atrium else None,
        "head_circumference_mm": head.circumference_mm if head else None,
        "biparietal_diameter_mm": head.biparietal_diameter_mm if head else None,
    }
