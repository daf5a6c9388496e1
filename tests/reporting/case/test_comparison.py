"""A person's calliper beside the machine's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.reporting.test_measurement import analysed, anatomy, calliper
from vmcore.anatomy import HandCalliper
from vmcore.reporting import results_csv
from vmcore.reporting.case import (
    REASONS,
    AssessmentError,
    assess,
    comparison_words,
    contradiction,
    hand_words,
)


def hand(width_mm: float | None, width_px: float = 20.0, side: str | None = "far") -> HandCalliper:
    return HandCalliper((150.0, 160.0), (170.0, 160.0), width_px, width_mm, side)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("width", "contradicts"),
    # the machine's 13 mm, give or take 1.96 times 0.65 mm (5 % of it)
    [(13.0, False), (11.8, False), (14.2, False), (11.6, True), (14.4, True)],
)
def test_widths_contradict_outside_of_the_interval(width: float, contradicts: bool) -> None:
    found = anatomy(calliper(13.0))
    assert contradiction(hand(width), found) is contradicts
    said = comparison_words(hand(width), found)
    assert said.startswith("Contradicts" if contradicts else "Agrees")


def test_without_millimetres_pixels_are_compared() -> None:
    found = anatomy(calliper(None))  # 20 px, give or take 1.96 times one
    assert contradiction(hand(None, 21.9), found) is False
    assert contradiction(hand(None, 22.0), found) is True


def test_both_sides_of_10_mm_are_said_whatever_the_interval_holds() -> None:
    found = anatomy(calliper(10.3))
    assert "different sides of 10 mm; the hand's is within" in comparison_words(hand(9.9), found)


def test_what_cannot_be_compared_is_not() -> None:
    assert contradiction(hand(9.0), None) is None
    assert contradiction(hand(9.0), anatomy(None)) is None
    near = comparison_words(hand(9.0, side="near"), anatomy(calliper(9.0)))
    assert near == "Not compared: the machine measured the far ventricle."
    assert contradiction(hand(9.0, side=None), anatomy(calliper(9.0))) is False


def test_a_calliper_that_cannot_be_an_atriums_is_said_before_it_is_compared() -> None:
    found = anatomy(calliper(13.0))
    centre = found.head.ellipse.centre
    across = replace(hand(13.0), start=centre, end=(centre[0] + 1000, centre[1]))
    assert comparison_words(across, found).startswith("An end lies in or outside of the skull")
    inside = replace(hand(13.0), start=centre, end=(centre[0] + 5, centre[1]))
    assert comparison_words(inside, found).startswith("Agrees")


@pytest.mark.parametrize("machine", [None, 13.0])
def test_a_calliper_that_cannot_be_an_atriums_makes_no_verdict(machine: float | None) -> None:
    from tests.reporting.test_measurement import CARD
    from vmcore.reporting.case import (
        ReportedCase,
        accepted_width_mm,
        case_verdict,
        widest_by_hand,
    )

    in_bone = replace(hand(13.0), start=(150.0, 160.0), end=(400.0, 160.0))
    measured = None if machine is None else calliper(machine)
    case = ReportedCase(analysed(measured, 0.9), CARD, hand=(in_bone,))
    said = case_verdict(case)
    assert (said.headline, said.tone) == ("Look again", "withheld")
    assert "in or outside of the skull" in said.sentence
    assert accepted_width_mm(case) is None
    assert widest_by_hand(case) is None


def test_a_normal_width_is_below_10_mm() -> None:
    made = {"outcome": "corrected", "label": "normal", "person": "anna", "reason": REASONS[0]}
    assert assess(**made, width_mm=9.94).width_mm == 9.94
    with pytest.raises(AssessmentError, match=r"10\.0 mm is not normal"):
        assess(**made, width_mm=9.96)


def test_what_was_left_open_is_said_so_in_the_report() -> None:
    from vmcore.reporting.case.sections import decision

    accepted = assess("accepted", label=None, width_mm=12.4, person="anna")
    assert decision(accepted)[1:] == (
        "Finding: left open, as the verdict leaves it.", "Atrial width: 12.4 mm.",
    )  # fmt: skip
    assert decision(assess("accepted", label="normal", person="anna"))[1] == "Finding: normal."


def test_the_widest_by_hand_is_told_where_any_has_millimetres() -> None:
    from tests.reporting.test_measurement import CARD
    from vmcore.reporting.case import ReportedCase, widest_by_hand

    case = ReportedCase(analysed(None, 0.9), CARD, hand=(hand(8.04), hand(None), hand(11.26)))
    assert widest_by_hand(case) == 11.3
    assert widest_by_hand(replace(case, hand=(hand(None),))) is None


def test_a_width_is_told_with_its_source_or_why_there_is_none() -> None:
    assert hand_words(replace(hand(9.6), millimetres_from="ruler")) == (
        "9.6 mm, far ventricle (by the ruler)"
    )
    told = hand_words(replace(hand(None), why_no_mm="No scale holds."))
    assert told == "20.0 pixels, far ventricle (no mm: no scale holds)"


def test_the_table_holds_decisions_by_scan_and_frame() -> None:
    import io

    import pandas as pd

    from tests.reporting.test_measurement import CARD

    one = analysed(calliper(11.4), 0.9)
    decided = assess(
        "corrected", label="normal", width_mm=9.5, person="=anna", reason=REASONS[0], comment="@x"
    )
    text = results_csv([(1, one), (2, one)], CARD, assessments={(2, 0): decided})
    table = pd.read_csv(io.StringIO(text))
    assert table["decision"].isna().tolist() == [True, False]
    row = table.iloc[1]
    assert (row["decision"], row["decided_label"], row["decided_width_mm"]) == (
        "corrected", "normal", 9.5,
    )  # fmt: skip
    assert (row["reason"], row["comment"], row["decided_by"]) == (REASONS[0], "'@x", "'=anna")


@pytest.mark.parametrize(
    ("machine", "by_hand", "side", "headline"),
    [
        (11.4, 11.3, "far", "Atrial width 11.4 mm"),
        (11.4, 15.9, "far", "Look again"),  # outside of the interval
        (7.0, 13.0, "near", "Look again"),  # the other ventricle is wide
        (13.0, 7.0, "near", "Atrial width 13.0 mm"),  # the other one need not be
        (None, 11.2, "far", "Look again"),  # in pixels both contradict each other
    ],
)
def test_what_was_measured_by_hand_stands_in_the_verdict(machine, by_hand, side, headline) -> None:
    from tests.reporting.test_measurement import CARD
    from vmcore.reporting.case import ReportedCase, case_verdict

    width_px = 20.0 if machine is not None else 30.0
    one = replace(hand(by_hand, width_px, side=side), millimetres_from="file")
    probability = 0.9 if (machine or 0) >= 10 else 0.1
    case = ReportedCase(analysed(calliper(machine), probability), CARD, hand=(one,))
    assert case_verdict(case).headline.startswith(headline)


def test_by_hand_stands_in_where_the_machine_measured_nothing() -> None:
    from tests.reporting.test_measurement import CARD
    from vmcore.reporting.case import ReportedCase, case_verdict

    case = ReportedCase(analysed(None, 0.9), CARD, hand=(hand(8.0), hand(11.2, side="near")))
    assert case_verdict(case).headline == "Atrial width 11.2 mm by hand: mild"
    assert case_verdict(replace(case, hand=())).headline.startswith("Ventriculomegaly suspected")


def test_before_14_weeks_no_width_by_hand_makes_a_verdict_or_is_accepted() -> None:
    from tests.reporting.test_measurement import CARD, of_width
    from vmcore.reporting.case import ReportedCase, accepted_width_mm, case_verdict

    by_hand = (hand(13.0, side="near"),)
    early = ReportedCase(of_width(analysed(None, 0.9), 24.0), CARD, hand=by_hand)
    assert case_verdict(early).headline == "Too small to judge"
    assert accepted_width_mm(early) is None
    later = replace(early, analysis=analysed(None, 0.9))
    assert accepted_width_mm(later) == 13.0


@pytest.mark.parametrize(("by_hand", "by_machine", "words"), [
    (9.96, 10.6, "Agrees with the machine"),  # both are told as 10 mm or wider
    (9.96, 9.8, "different sides of 10 mm"),
])  # fmt: skip
def test_words_about_two_widths_go_by_them_as_they_are_told(
    by_hand: float, by_machine: float, words: str
) -> None:
    assert words in comparison_words(hand(by_hand), anatomy(calliper(by_machine)))
