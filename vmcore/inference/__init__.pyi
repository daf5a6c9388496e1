from .analysis import Analysis, analyse, without_pixels
from .classifier import Classifier, Prediction
from .heatmap import HEATMAP_METHODS, eigen_cam, offered_methods

__all__ = [
    "HEATMAP_METHODS",
    "Analysis",
    "Classifier",
    "Prediction",
    "analyse",
    "eigen_cam",
    "offered_methods",
    "without_pixels",
]
