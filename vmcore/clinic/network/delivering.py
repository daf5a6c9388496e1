"""Empty the outbox in the background, each destination by itself: who is slow holds nobody else up."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from vmcore.clinic.network.outbox import Destination, Outbox

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Deliveries:
    """What is on its way now.

    Attributes:
        outbox: what is sent.
        destinations: where objects may go.
        calling: the AE title that calls.
    """

    outbox: Outbox
    destinations: Sequence[Destination]
    calling: str
    _threads: dict[str, threading.Thread] = field(default_factory=dict)

    def begin(self) -> None:
        """Begin to send what is due, but not to whom something is being sent; returns at once.

        The threads end with the process: what had not arrived then is sent again.
        """
        for name in self.outbox.due():
            before = self._threads.get(name)
            if before is None or not before.is_alive():
                thread = threading.Thread(target=self._deliver, args=(name,), daemon=True)
                self._threads[name] = thread
                thread.start()

    def _deliver(self, name: str) -> None:
        try:
            self.outbox.deliver_to(name, self.destinations, self.calling)
        except Exception as error:  # others go on; text and trace may quote an object
            log.error("The outbox stopped for now (%s).", type(error).__name__)  # noqa: TRY400
