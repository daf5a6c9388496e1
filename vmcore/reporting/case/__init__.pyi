from .assessment import REASONS, Assessment, AssessmentError, Outcome, assess
from .comparison import (
    accepted_width_mm,
    case_verdict,
    comparison_words,
    contradiction,
    hand_words,
    widest_by_hand,
)
from .decided import answer_holds, decision_words
from .identity import PatientIdentity, identity_of
from .pdf import report_pdf
from .picture_digest import picture_digest
from .reported import ReportedCase
from .sections import Section, sections

__all__ = [
    "REASONS",
    "Assessment",
    "AssessmentError",
    "Outcome",
    "PatientIdentity",
    "ReportedCase",
    "Section",
    "accepted_width_mm",
    "answer_holds",
    "assess",
    "case_verdict",
    "comparison_words",
    "contradiction",
    "decision_words",
    "hand_words",
    "identity_of",
    "picture_digest",
    "report_pdf",
    "sections",
    "widest_by_hand",
]
