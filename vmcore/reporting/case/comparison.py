"""A person's calliper beside the machine's: do they say the same?"""

from __future__ import annotations

from vmcore.anatomy import WIDE_MM, Anatomy, AtriumCalliper, HandCalliper, is_early, misplaced
from vmcore.reporting.case.reported import ReportedCase
from vmcore.reporting.measurement import interval, interval_mm, shown_mm, width_words
from vmcore.reporting.words import Verdict, classifier_opinion, measured_verdict, verdict


def hand_words(hand: HandCalliper) -> str:
    """A person's width, as in 9.8 mm, near ventricle, or in pixels where there are no millimetres."""
    where = f", {hand.side} ventricle" if hand.side else ""
    if hand.width_mm is not None:
        by = {
            "file": "the file's pixel size",
            "ruler": "the ruler",
            "hand": "a distance set by hand",
        }
        source = f" (by {by[hand.millimetres_from]})" if hand.millimetres_from else ""
        return f"{hand.width_mm:.1f} mm{where}{source}"
    why = (hand.why_no_mm or "No millimetres are known.").rstrip(".")
    return f"{hand.width_px:.1f} pixels{where} (no mm: {why[0].lower()}{why[1:]})"


def contradiction(hand: HandCalliper, anatomy: Anatomy | None) -> bool | None:
    """Whether a person's width lies outside of the machine's 95 % interval.

    Returns:
        None where both cannot be compared: the machine measured nothing, or another ventricle.
    """
    atrium = anatomy.atrium if anatomy else None
    if atrium is None or (hand.side is not None and hand.side != atrium.side):
        return None
    width, (low, high) = _comparable(hand, atrium)
    return not low <= width <= high


def doubtful_by_hand(hand: HandCalliper, anatomy: Anatomy | None) -> str | None:
    """Why a person's calliper tells no atrium's width, in a sentence; None where it does."""
    if is_early(anatomy):
        return "Of a head under 14 weeks no width means anything."
    return misplaced(hand, anatomy)


def comparison_words(hand: HandCalliper, anatomy: Anatomy | None) -> str:
    """The same in a sentence, after one that says why it cannot be an atrium's where it cannot."""
    if is_early(anatomy):
        return f"Not compared. {doubtful_by_hand(hand, anatomy)}"
    doubt = misplaced(hand, anatomy)
    compared = _compared(hand, anatomy)
    return compared if doubt is None else f"{doubt} {compared}"


def _compared(hand: HandCalliper, anatomy: Anatomy | None) -> str:
    contradicts = contradiction(hand, anatomy)
    atrium = anatomy.atrium if anatomy else None
    if contradicts is None or atrium is None:
        other = "measured nothing" if atrium is None else f"measured the {atrium.side} ventricle"
        return f"Not compared: the machine {other}."
    if _other_side_of_limit(hand, atrium):
        fits = "outside of" if contradicts else "within"
        return f"The two lie on different sides of 10 mm; the hand's is {fits} the machine's 95% interval."
    if contradicts:
        return "Contradicts the machine: it lies outside of the machine's 95% interval."
    return "Agrees with the machine: it lies within the machine's 95% interval."


def case_verdict(case: ReportedCase) -> Verdict:
    """The verdict with what a person measured beside the machine's.

    Where both contradict each other, that is the verdict: a width by hand outside of the machine's 95 %
    interval, or on the other side of 10 mm; of the other ventricle, a wide one where the machine's is
    not. So is a calliper that cannot be an atrium's. Where the machine has no millimetres, the widest calliper by hand stands in their place.
    """
    anatomy = case.analysis.anatomy
    atrium = anatomy.atrium if anatomy else None
    if is_early(anatomy):
        return verdict(case.analysis, case.grades)  # no width means anything then
    for hand in case.hand:
        if (doubt := misplaced(hand, anatomy)) is not None:
            return Verdict(
                "Look again",
                f"By hand it is {hand_words(hand).rstrip('.')}. {doubt} Set it anew, or decide yourself.",
                "withheld",
            )
        if atrium is not None and (
            contradiction(hand, anatomy) or _other_side_of_limit(hand, atrium)
        ):
            return Verdict(
                "Look again",
                f"By hand it is {_as_told(hand, atrium)}, by machine {width_words(atrium)}: each contradicts "
                "the other.",
                "withheld",
            )
    widest = widest_by_hand(case)
    if widest is None or (atrium is not None and atrium.width_mm is not None):
        return verdict(case.analysis, case.grades)
    opinion = classifier_opinion(case.analysis.prediction)
    return measured_verdict(f"Atrial width {widest:.1f} mm by hand", widest, opinion, case.grades)


def widest_by_hand(case: ReportedCase) -> float | None:
    """The widest calliper by hand that can be an atrium's, in mm as it is told; None without one."""
    widths = [
        round(hand.width_mm, 1)
        for hand in case.hand
        if hand.width_mm is not None and misplaced(hand, case.analysis.anatomy) is None
    ]
    return max(widths, default=None)


def accepted_width_mm(case: ReportedCase) -> float | None:
    """The width that is accepted with the verdict: the machine's, or by hand where that stands in its place.

    None where both contradict each other, without millimetres, and in a head under 14 weeks.
    """
    anatomy = case.analysis.anatomy
    atrium = anatomy.atrium if anatomy else None
    if is_early(anatomy):
        return None
    by_machine = shown_mm(atrium) if atrium else None
    if by_machine is None:
        return widest_by_hand(case)
    with_hand, alone = case_verdict(case), verdict(case.analysis, case.grades)
    return by_machine if with_hand == alone else None


def _as_told(hand: HandCalliper, atrium: AtriumCalliper) -> str:
    """A person's width in the terms in which the machine's is told."""
    if atrium.width_mm is not None and hand.width_mm is not None:
        return hand_words(hand)
    return (
        f"{100 * hand.width_px / atrium.width_px * atrium.head_share:.1f}% of the head's short axis"
    )


def _other_side_of_limit(hand: HandCalliper, atrium: AtriumCalliper) -> bool:
    """Whether one of both is wide and the other is not; of two ventricles, whether the hand's alone is."""
    if hand.width_mm is None or atrium.width_mm is None:
        return False
    by_hand, by_machine = (round(mm, 1) >= WIDE_MM for mm in (hand.width_mm, atrium.width_mm))
    same = hand.side is None or hand.side == atrium.side
    return by_hand != by_machine if same else by_hand and not by_machine


def _comparable(hand: HandCalliper, atrium: AtriumCalliper) -> tuple[float, tuple[float, float]]:
    """Both in mm where both have them, rounded as they are told, else both in pixels."""
    between = interval_mm(atrium)
    if hand.width_mm is not None and between is not None:
        return round(hand.width_mm, 1), (round(between[0], 1), round(between[1], 1))
    low, high = (share / atrium.head_share * atrium.width_px for share in interval(atrium))
    return hand.width_px, (low, high)
