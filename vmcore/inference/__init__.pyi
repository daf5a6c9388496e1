from .analysis import Analysis, analyse, without_pixels
from .classifier import Classifier, Prediction
from .heatmap import HEATMAP_METHODS, eigen_cam, offered_methods
from .loop import FrameAnswer, LoopReader

__all__ = [
    "HEATMAP_METHODS",
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
