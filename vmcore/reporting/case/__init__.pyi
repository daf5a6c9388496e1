from .assessment import REASONS, Assessment, AssessmentError, Outcome, assess
from .comparison import (
    accepted_width_mm,
    case_verdict,
    comparison_words,
    contradiction,
    hand_words,
    widest_by_hand,
)
from .identity import PatientIdentity, identity_of
from .pdf import report_pdf
from .picture_digest import picture_digest
from .reported import ReportedCase
from .sections import Section, sections
from .sheet import ReportError

__all__ = [
    "REASONS",
    "Assessment",
    "AssessmentError",
    "Outcome",
    "PatientIdentity",
    "ReportError",
    "ReportedCase",
    "Section",
    "accepted_width_mm",
    "assess",
    "case_verdict",
    "comparison_words",
    "contradiction",
    "hand_words",
    "identity_of",
    "picture_digest",
    "report_pdf",
    "sections",
    "widest_by_hand",
]
