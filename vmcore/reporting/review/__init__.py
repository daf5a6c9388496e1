"""What the results page shows and gives away: plots, tables, gallery, document, checklist."""

from vmcore.reporting.review.checklist import checklist
from vmcore.reporting.review.document import (
    Evaluated,
    Provenance,
    document,
    evaluate,
    files,
    packed,
)
from vmcore.reporting.review.gallery import Tile, gallery_png
from vmcore.reporting.review.operating import confusion_figure, pr_figure, roc_figure
from vmcore.reporting.review.plots import all_plots
from vmcore.reporting.review.printing import PrintError, print_plots
from vmcore.reporting.review.probability import (
    PREVALENCES,
    decision_figure,
    prevalence_figure,
    reliability_figure,
)
from vmcore.reporting.review.style import browser_options
from vmcore.reporting.review.tables import (
    ends_in_percent,
    latex,
    model_table,
    predictive_table,
    published_table,
)

__all__ = [
    "PREVALENCES",
    "Evaluated",
    "PrintError",
    "Provenance",
    "Tile",
    "all_plots",
    "browser_options",
    "checklist",
    "confusion_figure",
    "decision_figure",
    "document",
    "ends_in_percent",
    "evaluate",
    "files",
    "gallery_png",
    "latex",
    "model_table",
    "packed",
    "pr_figure",
    "predictive_table",
    "prevalence_figure",
    "print_plots",
    "published_table",
    "reliability_figure",
    "roc_figure",
]
