"""What a person sees and takes away: words, panels, pictures and tables."""

from vmcore.reporting.card import model_card
from vmcore.reporting.panels import fold_strip, three_panels
from vmcore.reporting.pictures import heatmap_png
from vmcore.reporting.tables import results_csv
from vmcore.reporting.words import Verdict, caution, verdict

__all__ = [
    "Verdict",
    "caution",
    "fold_strip",
    "heatmap_png",
    "model_card",
    "results_csv",
    "three_panels",
    "verdict",
]
