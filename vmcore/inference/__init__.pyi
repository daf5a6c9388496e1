from .analysis import Analysis, analyse, without_pixels
from .classifier import Classifier, Prediction
from .heatmap import HEATMAP_METHODS, HEATMAP_NAMES, eigen_cam, offered_methods
from .loop import FrameAnswer, LoopReader

__all__ = [
    "HEATMAP_METHODS",
    "HEATMAP_NAMES",
    "Analysis",
    "Classifier",
    "FrameAnswer",
    "LoopReader",
    "Prediction",
    "analyse",
    "eigen_cam",
    "offered_methods",
    "without_pixels",
]
