from .checklist import checklist
from .document import (
    Evaluated,
    Provenance,
    document,
    evaluate,
    files,
    packed,
)
from .gallery import Tile, gallery_png
from .operating import confusion_figure, pr_figure, roc_figure
from .plots import all_plots
from .printing import PrintError, print_plots
from .probability import (
    PREVALENCES,
    decision_figure,
    prevalence_figure,
    reliability_figure,
)
from .style import browser_options
from .tables import (
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
