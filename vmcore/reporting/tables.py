"""Results as CSV. Scans are numbered: a file's name may identify a person."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from vmcore import RESEARCH_USE_ONLY
from vmcore.inference import Analysis
from vmcore.models import BundleCard
from vmcore.reporting.spreadsheet import as_csv
from vmcore.reporting.words import verdict


def results_csv(analyses: Sequence[tuple[int, Analysis]], card: BundleCard) -> str:
    """One row a scan and frame.

    Args:
        analyses: pairs of the scan's number on the page and its analysis.
        card: the model that answered.

    Returns:
        CSV text: scan, frame, verdict, label, probability, threshold, fold_1.., spread,
        in_domain, pixel spacing in mm, removed, notes on how
        the file was read, model, created and the research-use notice.
    """
    rows = []
    for number, analysis in analyses:
        prediction, spacing = analysis.prediction, analysis.scan.spacing_mm
        row: dict[str, object] = {
            "scan": number,
            "frame": analysis.frame + 1,
            "verdict": verdict(prediction).headline,
            "label": prediction.label,
            "probability": prediction.probability,
            "threshold": prediction.threshold,
        }
        folds = enumerate(prediction.fold_probabilities, start=1)
        row |= {f"fold_{index}": float(value) for index, value in folds}
        row |= {
            "spread": prediction.spread,
            "in_domain": prediction.in_domain,
            "row_spacing_mm": spacing[0] if spacing else None,
            "column_spacing_mm": spacing[1] if spacing else None,
            "removed": "; ".join(removal.kind for removal in analysis.clean.removals),
            "notes": " ".join(analysis.scan.notes),
            "model": card.name,
            "model_created": card.created,
            "notice": RESEARCH_USE_ONLY,
        }
        rows.append(row)
    return as_csv(pd.DataFrame(rows))
