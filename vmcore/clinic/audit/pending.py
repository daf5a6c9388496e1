"""Events on their way into the trail: what it cannot take at once waits, and what is lost is counted."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from vmcore.clinic.audit.entry import Event, not_recorded
from vmcore.clinic.audit.trail import AuditTrail

MOST_PENDING = 500


@dataclass(slots=True)
class PendingEvents:
    """What one writer has to note.

    Attributes:
        person: who says how many were lost.
        events: those that are not in the trail yet, the oldest first.
        lost: how many were given up because too many waited.
    """

    person: str
    events: list[Event] = field(default_factory=list)
    lost: int = 0
    _one: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def add(self, event: Event) -> None:
        """Put it last; where too many wait, the oldest is given up."""
        with self._one:  # what is taken away is made in other threads than the page
            self.events.append(event)
            if len(self.events) > MOST_PENDING:
                del self.events[0]
                self.lost += 1

    def deliver(self, trail: AuditTrail) -> None:
        """Note how many were lost, and then what waits, in order.

        Raises:
            AuditError: the trail cannot take one; it and those after it go on waiting.
        """
        with self._one:
            if self.lost:
                trail.append(not_recorded(self.person, self.lost))
                self.lost = 0
            while self.events:
                trail.append(self.events[0])
                del self.events[0]
