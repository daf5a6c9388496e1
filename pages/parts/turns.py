"""Large files take turns: what reading and judging one needs for a moment is there once, not once a session.

Two at once are no slower for it: each uses every core. What is small needs no turn. Somebody's loop lets
others in after each batch of its frames.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext

_LARGE_BYTES = 32_000_000
_turn = threading.RLock()


def in_turn(size: int) -> AbstractContextManager[object]:
    """The turn of what holds so many bytes, for as long as the block lasts.

    Whoever holds it may ask for it again; nobody may wait for a scan's own lock meanwhile but whoever has it.
    """
    return _turn if size > _LARGE_BYTES else nullcontext()
