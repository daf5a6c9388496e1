from .assessment import Assessment, AssessmentError, Outcome, assess
from .reported import ReportedCase

__all__ = [
    "Assessment",
    "AssessmentError",
    "Outcome",
    "ReportedCase",
    "assess",
]
