from .callipers import legend_words
from .card import anatomy_card, calibration_words, model_card
from .cautions import caution
from .colour_space import hsv_scatter
from .curves import fold_curves, pretraining_curves, run_curves
from .figures import decimal, percent
from .loop import loop_figure, loop_words, proposed_frames
from .measurement import head_words, pixel_size_words, shown_mm, width_words
from .most_to_learn import LearningValue, learning_value, learning_value_of
from .panels import PANELS, Panel, fold_strip, picture_panels
from .pictures import blend, heatmap_png
from .ranking import needs_a_look, urgency
from .shown import shown_table
from .tables import results_csv
from .words import HEATMAP_WORDS, NO_VERDICT, Verdict, verdict

__all__ = [
    "HEATMAP_WORDS",
    "NO_VERDICT",
    "PANELS",
    "LearningValue",
    "Panel",
    "Verdict",
    "anatomy_card",
    "blend",
    "calibration_words",
    "caution",
    "decimal",
    "fold_curves",
    "fold_strip",
    "head_words",
    "heatmap_png",
    "hsv_scatter",
    "learning_value",
    "learning_value_of",
    "legend_words",
    "loop_figure",
    "loop_words",
    "model_card",
    "needs_a_look",
    "percent",
    "picture_panels",
    "pixel_size_words",
    "pretraining_curves",
    "proposed_frames",
    "results_csv",
    "run_curves",
    "shown_mm",
    "shown_table",
    "urgency",
    "verdict",
    "width_words",
]
