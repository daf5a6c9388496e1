"""What a person decided, in the words that stand first wherever an answer is handed out."""

from __future__ import annotations

from vmcore.reporting.case.reported import ReportedCase


def decision_words(case: ReportedCase) -> str | None:
    """As in "Corrected by a person: normal, 9.1 mm."; None where nobody has decided."""
    decided = case.assessment
    if decided is None:
        return None
    if decided.outcome == "rejected":
        return f"Rejected by a person: not to be used ({decided.reason})."
    if decided.outcome == "accepted":
        left_open = "; the finding is left open" if decided.label is None else ""
        return f"Accepted by a person{left_open}."
    width = None if decided.width_mm is None else f"{decided.width_mm:.1f} mm"
    return f"Corrected by a person: {', '.join(filter(None, (decided.label, width)))}."


def answer_holds(case: ReportedCase) -> bool:
    """Whether the answer is what holds: nobody corrected or rejected it."""
    return case.assessment is None or case.assessment.outcome == "accepted"
