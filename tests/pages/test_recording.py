"""What a session notes in the audit trail: each answer once, and nothing stops where it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from pages.parts import recording
from pages.parts.recording import Recording
from pages.parts.uploaded_scan import UploadedScan
from tests.clinic.cases import case
from vmcore.clinic import AUDIT_FILE, AuditTrail
from vmcore.clinic.audit import pending
from vmcore.reporting.case import assess
from vmcore.settings import Settings


def use_store(monkeypatch: pytest.MonkeyPatch, store: Path, *, audit: bool = True) -> None:
    monkeypatch.setattr(recording, "settings", lambda: Settings(store=store, audit=audit))


def uploaded(key: str = "one") -> UploadedScan:
    return UploadedScan(1, key, bytes)


def actions(store: Path) -> list[str]:
    return [entry.event.action for entry in AuditTrail(store / AUDIT_FILE).entries()]


def test_an_answer_is_noted_once_until_it_is_another_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use_store(monkeypatch, tmp_path)
    session, scan = Recording("anna"), uploaded()
    for _ in range(3):
        session.answered(scan, case())
    assert actions(tmp_path) == ["answered"]
    scan.gestational_weeks = 21.0  # gives other millimetres
    session.answered(scan, case())
    session.answered(uploaded("two"), case())
    session.answered(scan, case(bundle="c" * 64))
    assert actions(tmp_path) == ["answered"] * 4


def test_a_trail_that_cannot_be_written_is_said_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    store.write_text("a file where the folder should be")
    use_store(monkeypatch, store)
    session, scan = Recording("anna"), uploaded()
    session.answered(scan, case())
    assert session.trouble is not None
    assert "cannot be written" in session.trouble
    store.unlink()
    session.answered(scan, case())
    assert session.trouble is not None  # not tried at every redraw, which would wait each time
    session.again_at = 0.0
    session.answered(scan, case())
    assert session.trouble is None
    assert actions(store) == ["answered"]


def test_what_could_not_be_noted_comes_first_and_what_was_given_up_is_counted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    store.write_text("a file where the folder should be")
    use_store(monkeypatch, store)
    monkeypatch.setattr(pending, "MOST_PENDING", 2)
    session = Recording("anna")
    session.answered(uploaded(), case())
    session.exported(case(), "csv")
    session.exported(case(), "png")
    store.unlink()
    session.exported(case(), "pdf", with_identity=True)  # tried at once
    entries = [entry.event for entry in AuditTrail(store / AUDIT_FILE).entries()]
    assert [one.action for one in entries] == ["not recorded", "exported", "exported"]
    assert entries[0].details == {"events": 2}
    assert [one.details["kind"] for one in entries[1:]] == ["png", "pdf"]
    assert session.trouble is None


def test_nothing_is_written_where_the_trail_is_switched_off(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use_store(monkeypatch, tmp_path, audit=False)
    session = Recording("anna")
    session.answered(uploaded(), case())
    session.exported(case(), "pdf")
    assert session.trouble is None
    assert list(tmp_path.iterdir()) == []


def test_a_decision_holds_for_one_answer_only() -> None:
    scan, analysis = uploaded(), case().analysis
    decided = assess("accepted", label="normal", person="anna")
    scan.assessments[scan.answer_key(analysis)] = decided
    assert scan.assessment(analysis) == decided
    assert scan.assessment(case(bundle="c" * 64).analysis) is None
    scan.gestational_weeks = 21.0
    assert scan.assessment(analysis) is None
