"""Note in the audit trail what a session was answered, what it decided and what it took away."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from pages.parts.identity import person
from pages.parts.uploaded_scan import AnswerKey, UploadedScan
from vmcore.clinic import (
    AUDIT_FILE,
    AuditError,
    AuditTrail,
    Event,
    PendingEvents,
    answered,
    asked_archive,
    assessed,
    exported,
    fetched,
    kept,
)
from vmcore.reporting.case import Assessment, ReportedCase
from vmcore.settings import settings

log = logging.getLogger(__name__)

_HOLD_OFF_S = 30.0
_opened: dict[Path, AuditTrail] = {}
_one_opens = threading.Lock()


def trail() -> AuditTrail:
    """The installation's audit trail, opened and checked once in the app's life.

    Raises:
        AuditError: it can be neither opened nor begun; it is tried again next time.
    """
    file = settings().store / AUDIT_FILE
    with _one_opens:
        if file not in _opened:
            _opened[file] = AuditTrail(file)
            if _opened[file].findings:
                log.warning("The audit trail is not whole; the audit page says what is wrong.")
        return _opened[file]


@dataclass(slots=True)
class Recording:
    """A session's part in the trail.

    Attributes:
        person: who is at the page.
        noted: answers that are in the trail; each is noted once, however often the page is drawn.
        trouble: why the last event is not in the trail; None where it is.
        pending: events that are not in the trail yet.
        again_at: when it is tried again, on the monotonic clock: each try may wait for others.
    """

    person: str
    noted: set[tuple[str, AnswerKey]] = field(default_factory=set)
    trouble: str | None = None
    again_at: float = 0.0
    pending: PendingEvents = field(init=False)

    def __post_init__(self) -> None:
        self.pending = PendingEvents(self.person)

    @classmethod
    def of_session(cls) -> Recording:
        """The session's own."""
        recording: Recording = st.session_state.setdefault("recording", cls(""))
        recording.person = person().name
        return recording

    def answered(self, uploaded: UploadedScan, case: ReportedCase) -> None:
        """Note an answer, unless it has been noted."""
        key = uploaded.key, uploaded.answer_key(case.analysis)
        pixels = uploaded.digests.get(case.analysis.frame)
        if key not in self.noted:
            self._note(lambda: answered(case, self.person, pixels))
            self.noted.add(key)
        elif self.pending.events:
            self._deliver()

    def assessed(self, case: ReportedCase, assessment: Assessment) -> None:
        """Note a decision."""
        self._note(lambda: assessed(case, assessment))

    def exported(self, case: ReportedCase, kind: str, *, with_identity: bool = False) -> None:
        """Note that something is taken away."""
        self._note(
            lambda: exported(case, self.person, kind, with_identity=with_identity),
            at_once=with_identity,
        )

    def kept(self, case: ReportedCase, collection: str, image: str, state: str) -> None:
        """Note that a cleaned picture is kept for training."""
        self._note(lambda: kept(case, self.person, collection, image, state))

    def asked_archive(self, archive: str, what: str, found: int | None) -> None:
        """Note that an archive was asked for "studies" or "images", and how many it has, if it said so."""
        self._note(lambda: asked_archive(self.person, archive, what, found))

    def fetched(self, archive: str, new: int, same: int, failed: int) -> None:
        """Note how many images were fetched from an archive, were here already, or did not come."""
        self._note(lambda: fetched(self.person, archive, new, same, failed))

    def _note(self, event: Callable[[], Event], *, at_once: bool = False) -> None:
        """Note it, or keep it until it can be noted; the page goes on and says so."""
        if not settings().audit:
            return
        self.pending.add(event())
        self._deliver(at_once=at_once)

    def _deliver(self, *, at_once: bool = False) -> None:
        """Note what waits, unless it was tried a moment ago."""
        if not at_once and time.monotonic() < self.again_at:
            return
        try:
            self.pending.deliver(trail())
        except AuditError as error:
            log.warning("Nothing is recorded. %s", error)
            self.trouble, self.again_at = str(error), time.monotonic() + _HOLD_OFF_S
            return
        self.trouble = None


def show_recording(recording: Recording) -> None:
    """Say what is kept of this."""
    if not settings().audit:
        st.caption("Neither answers nor decisions are recorded here (VMCORE_AUDIT).")
    elif recording.trouble is not None:
        st.warning(
            f"This is not recorded yet, and is kept until this page is closed. {recording.trouble} Answers go on all "
            "the same.",
            icon=":material/edit_off:",
        )
    else:
        st.caption(
            "Kept in the audit trail: numbers, the models' versions, a digest of the picture and "
            "who was here. No picture, no comment, nothing of the patient."
        )
