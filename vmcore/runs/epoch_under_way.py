"""How far the epoch under way has come: noted by the worker, read by whoever watches."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from vmcore.files import write_atomically

_FILE = "under_way.json"
_EVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class EpochUnderWay:
    """How far an epoch has come.

    Attributes:
        epoch: counted from 0.
        share: of its steps that are done, 0..1.
        seconds: that a whole epoch should take at the pace so far; None before there is any.
    """

    epoch: int
    share: float
    seconds: float | None


def noting(part: Path, every_s: float = _EVERY_S) -> Callable[[int, int, int], None]:
    """What a training calls before each step with the epoch, its steps done and all of its steps.

    It writes now and then; a disk that is full stops no training here, where nothing is
    kept that cannot be done without.

    Args:
        part: folder of what is trained.
        every_s: seconds between two writings at the least.
    """
    begun, noted = 0.0, -math.inf
    now, first = -1, 0

    def note(epoch: int, done: int, steps: int) -> None:
        nonlocal begun, noted, now, first
        clock = time.monotonic()
        if epoch != now:
            now, begun, first = epoch, clock, done
        if clock - noted < every_s:
            return
        noted = clock
        seconds = (clock - begun) / (done - first) * steps if done > first else None
        with suppress(OSError):
            told = EpochUnderWay(epoch, done / steps, seconds)
            write_atomically(part / _FILE, json.dumps(asdict(told)))

    return note


def under_way(part: Path, finished: int) -> EpochUnderWay | None:
    """How far the epoch after the finished ones has come; None where nothing is known of it.

    Args:
        part: folder of what is trained.
        finished: epochs that are finished.
    """
    try:
        told = EpochUnderWay(**json.loads((part / _FILE).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return told if told.epoch == finished else None
