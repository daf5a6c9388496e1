"""Events that wait for the trail: each is noted once, whoever delivers them."""

from __future__ import annotations

import threading
from pathlib import Path

from vmcore.clinic.audit import AUDIT_FILE, AuditTrail, PendingEvents, asked_archive


def test_several_threads_note_each_event_once(tmp_path: Path) -> None:
    trail, pending = AuditTrail(tmp_path / AUDIT_FILE), PendingEvents("anna")
    together = threading.Barrier(3)

    def note(first: int) -> None:
        together.wait()
        for number in range(first, first + 12):
            pending.add(asked_archive("anna", "web", "studies", number))
            pending.deliver(trail)

    threads = [threading.Thread(target=note, args=(100 * number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    noted = [entry.event.details["found"] for entry in trail.entries()]
    assert sorted(noted) == sorted(100 * a + b for a in range(3) for b in range(12))
    assert not pending.events
