from .card import AnatomyCard, AnatomyError, Limits, anatomy_digest, load_anatomy_card
from .finding import find_anatomy
from .gestation import (
    by_gestational_age,
    expected_biparietal_mm,
    is_early,
    under_14_weeks,
    weeks_of_biparietal,
)
from .grades import WIDE_MM, Grades, grade
from .hand import (
    HandCalliper,
    HandError,
    KnownDistance,
    known_distance,
    measure_by_hand,
    misplaced,
    tells_scale,
)
from .head import HeadEllipse
from .measuring import StudyMeasure
from .model import AnatomyModel
from .result import Anatomy, AtriumCalliper, Head, Plane, Point, RulerScale
from .scale import ruler_scale

__all__ = [
    "WIDE_MM",
    "Anatomy",
    "AnatomyCard",
    "AnatomyError",
    "AnatomyModel",
    "AtriumCalliper",
    "Grades",
    "HandCalliper",
    "HandError",
    "Head",
    "HeadEllipse",
    "KnownDistance",
    "Limits",
    "Plane",
    "Point",
    "RulerScale",
    "StudyMeasure",
    "anatomy_digest",
    "by_gestational_age",
    "expected_biparietal_mm",
    "find_anatomy",
    "grade",
    "is_early",
    "known_distance",
    "load_anatomy_card",
    "measure_by_hand",
    "misplaced",
    "ruler_scale",
    "tells_scale",
    "under_14_weeks",
    "weeks_of_biparietal",
]
