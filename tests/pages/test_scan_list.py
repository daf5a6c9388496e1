"""One goes through the whole list, though urgent scans come to stand before what was looked at."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from streamlit.testing.v1 import AppTest

from pages.parts.scan_list import _mark, _passes, next_scan
from pages.parts.uploaded_scan import UploadedScan
from vmcore.inference import Analysis
from vmcore.reporting import Verdict
from vmcore.reporting.case import Assessment


def test_the_next_scan_is_the_one_that_follows() -> None:
    assert next_scan([4, 5, 1, 2], 4, unseen=[5, 2]) == 5
    assert next_scan([4, 5, 1, 2], 5, unseen=[4, 2]) == 1


def test_from_the_end_one_comes_to_what_was_passed_by() -> None:
    assert next_scan([4, 5, 1, 2], 2, unseen=[5]) == 5
    assert next_scan([4, 5, 1, 2], 2, unseen=[2]) is None
    assert next_scan([4, 5, 1, 2], 2, unseen=[]) is None


def test_from_a_scan_that_is_not_in_the_list_one_comes_to_its_first() -> None:
    assert next_scan([4, 5], 9, unseen=[]) == 4
    assert next_scan([], 9, unseen=[]) is None


def answer(frame: int, models: str = "b") -> Analysis:
    return Analysis(cast("Any", None), frame, cast("Any", None), cast("Any", None), models)


def said(tone: str) -> Verdict:
    return cast("Verdict", SimpleNamespace(tone=tone, headline="An answer"))


def loop(*decided: Analysis) -> UploadedScan:
    uploaded = UploadedScan(3, "loop", lambda: b"a loop", frames=20)
    for minute, one in enumerate(decided):
        at = datetime(2026, 1, 1, 12, minute, tzinfo=UTC)
        made = cast("Assessment", SimpleNamespace(outcome="accepted", at=at))
        uploaded.answers[str(one.bundle_digest), None, one.frame, "eigen-cam"] = one
        uploaded.assessments[uploaded.answer_key(one)] = made
    return uploaded


def test_a_decision_about_another_frame_of_a_loop_counts_and_says_which() -> None:
    middle, wide = answer(10), said("ventriculomegaly")
    assert _mark(loop(), middle) == "·"
    assert _passes(loop(), middle, wide, ["Needs a look"])
    assert _mark(loop(answer(3), answer(11)), middle) == "✓ frame 12 ·"
    assert not _passes(loop(answer(11)), middle, wide, ["Needs a look"])
    assert _mark(loop(middle, answer(11)), middle) == "✓"
    assert _mark(loop(answer(11, "others")), middle) == "·"  # of models that answer no more


def test_filters_that_exclude_one_another_add_up_and_the_others_narrow() -> None:
    def passes(tone: str, *wanted: str, scan: UploadedScan | None = None) -> bool:
        return _passes(scan or loop(), answer(10), said(tone), list(wanted))

    assert passes("ventriculomegaly", "Wide", "Normal")
    assert passes("normal", "Wide", "Normal")
    assert not passes("withheld", "Wide", "Normal")
    assert passes("normal", "Needs a look", "Normal")
    assert passes("ventriculomegaly", "Needs a look", "Wide")
    assert not passes("ventriculomegaly", "Needs a look", "Wide", scan=loop(answer(10)))
    assert not passes("normal", "Wide", "Normal", "Measured")
    assert passes("withheld")


def test_the_frame_that_was_chosen_is_shown_again_after_another_scan() -> None:
    def script(uploaded):  # type: ignore[no-untyped-def]
        import streamlit as st

        from pages.parts.scan_frame import choose_frame

        if not st.checkbox("Another scan"):
            choose_frame(st.container(), uploaded)

    uploaded = loop()
    page = AppTest.from_function(script, kwargs={"uploaded": uploaded})
    (slider,) = page.run().slider
    assert slider.value == 11
    slider.set_value(12).run()
    page.checkbox[0].check().run()
    page.checkbox[0].uncheck().run()
    assert [one.value for one in page.slider] == [12]
    assert uploaded.chosen == 11
