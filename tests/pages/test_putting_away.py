"""Decisions and callipers do not go with one click."""

from __future__ import annotations

from typing import Any, cast

import pytest
from streamlit.testing.v1 import AppTest

from pages.parts.carried import CARRIED, draw_carried
from pages.parts.putting_away import worked_on
from pages.parts.received import RECEIVED, draw_received
from pages.parts.uploads import DroppedFile, UploadBudget, Uploads
from vmcore.imaging import ReadLimits
from vmcore.reporting.case import assess

FILES = [DroppedFile(key, "scan", lambda: b"a file") for key in ("a", "b")]


def held() -> Uploads:
    uploads = Uploads(ReadLimits(), UploadBudget(9, 100, 100))
    uploads.sync(FILES)
    return uploads


def test_scans_with_decisions_or_callipers_are_counted() -> None:
    uploads = held()
    uploads.files[0].hand[0] = ()  # looked at, and nothing measured
    assert worked_on(uploads, ["a", "b"]) == 0
    uploads.files[0].hand[0] = cast("Any", ("a calliper",))
    assert (worked_on(uploads, ["a"]), worked_on(uploads, ["b"])) == (1, 0)
    made = assess("accepted", label="normal", person="anna")
    uploads.files[1].assessments["b", None, 0, None, ()] = made
    assert worked_on(uploads, ["a", "b", "gone"]) == 2


@pytest.mark.parametrize(
    ("word", "state", "value"), [("Put away", CARRIED, FILES), ("Close", RECEIVED, ["b"])]
)
def test_what_somebody_worked_on_goes_only_once_that_is_confirmed(
    word: str, state: str, value: list[Any]
) -> None:
    def script(uploads, draw):  # type: ignore[no-untyped-def]
        draw(uploads)

    uploads = held()
    draw = draw_carried if state == CARRIED else draw_received
    page = AppTest.from_function(script, kwargs={"uploads": uploads, "draw": draw})
    page.session_state[state] = value
    assert [one.label for one in page.run().button] == [word]
    uploads.files[1].hand[0] = cast("Any", ("a calliper",))
    (button,) = page.button[0].click().run().button  # set after the button was drawn
    assert page.session_state[state]
    assert button.label == f"{word} all the same"
    assert "One scan has decisions or callipers" in page.markdown[0].value
    button.click().run()
    assert not page.session_state[state]
