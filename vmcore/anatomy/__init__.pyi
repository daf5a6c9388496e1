from .card import AnatomyCard, AnatomyError, Limits, load_anatomy_card
from .finding import find_anatomy
from .gestation import by_gestational_age, expected_biparietal_mm
from .head import HeadEllipse
from .model import AnatomyModel
from .result import Anatomy, AtriumCalliper, Head, Plane

__all__ = [
    "Anatomy",
    "AnatomyCard",
    "AnatomyError",
    "AnatomyModel",
    "AtriumCalliper",
    "Head",
    "HeadEllipse",
    "Limits",
    "Plane",
    "by_gestational_age",
    "expected_biparietal_mm",
    "find_anatomy",
    "load_anatomy_card",
]
