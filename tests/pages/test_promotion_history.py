"""The way back to the former model: asked twice, gone once."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from pages.parts import promotion_history
from vmcore.models import BundleError
from vmcore.runs import Promotion


def test_a_press_that_comes_when_another_model_answers_goes_nowhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    changes = [Promotion("b", "second", "R.", "2026-02-02", "x")]
    asked: list[str] = []

    class InUse:
        concern = ""

    def roll_back(*, why: str, expected: str) -> Promotion:
        asked.append(expected)
        raise BundleError(why)

    monkeypatch.setattr(promotion_history, "bundle_in_use", InUse)
    monkeypatch.setattr(promotion_history, "promotions", lambda: changes)
    monkeypatch.setattr(promotion_history, "roll_back", roll_back)

    def script() -> None:
        from pages.parts.promotion_history import draw_promotions

        draw_promotions()

    page = AppTest.from_function(script, default_timeout=60).run()
    changes.insert(0, Promotion("a", "first", "R.", "2026-02-03", "somebody else went back"))
    page.button[0].click().run()
    assert not asked
    page.button[0].click().run()
    assert asked == ["a"]
    assert "rolled back from first" in page.error[0].value
