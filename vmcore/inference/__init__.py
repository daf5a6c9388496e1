"""Answers for one scan: the fold ensemble, where it looked, and whether it knows such images."""

from vmcore.inference.analysis import Analysis, analyse
from vmcore.inference.classifier import Classifier, Prediction
from vmcore.inference.heatmap import HEATMAP_METHODS, eigen_cam

__all__ = ["HEATMAP_METHODS", "Analysis", "Classifier", "Prediction", "analyse", "eigen_cam"]
