"""What is on its way is stopped by who means it, and a store that cannot be written is said."""

from __future__ import annotations

import sqlite3
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from pages.parts import outbox
from vmcore.clinic.network import Parcel, State


def test_a_store_that_cannot_be_written_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    parcel = Parcel(3, "pacs", State.WAITING, 0, "")
    asked: list[int] = []

    def full(number: int) -> None:
        asked.append(number)
        raise sqlite3.OperationalError("disk")

    box = SimpleNamespace(parcels=lambda: [parcel], retry=full, cancel=full)
    monkeypatch.setattr(outbox, "Outbox", lambda: box)
    chosen = SimpleNamespace(selection=SimpleNamespace(rows=[0]))
    monkeypatch.setattr(outbox.st, "dataframe", lambda *_, **__: chosen)

    def script() -> None:
        from pages.parts.outbox import show_outbox

        show_outbox()

    for label in ("Send again", "Yes, send it no more"):
        page = AppTest.from_function(script, default_timeout=60).run()
        (button,) = [one for one in page.button if one.label == label]
        button.click().run()
        assert not page.exception
        assert "cannot be read or written" in page.error[0].value
    assert asked == [3, 3]
