"""What a person sees and takes away: words, panels, pictures and tables."""

from vmcore.reporting.card import calibration_words, model_card
from vmcore.reporting.colour_space import hsv_scatter
from vmcore.reporting.curves import fold_curves, run_curves
from vmcore.reporting.figures import decimal, percent
from vmcore.reporting.panels import fold_strip, three_panels
from vmcore.reporting.pictures import blend, heatmap_png
from vmcore.reporting.tables import results_csv
from vmcore.reporting.words import HEATMAP_WORDS, Verdict, caution, verdict

__all__ = [
    "HEATMAP_WORDS",
    "Verdict",
    "blend",
    "calibration_words",
    "caution",
    "decimal",
    "fold_curves",
    "fold_strip",
    "heatmap_png",
    "hsv_scatter",
    "model_card",
    "percent",
    "results_csv",
    "run_curves",
    "three_panels",
    "verdict",
]
