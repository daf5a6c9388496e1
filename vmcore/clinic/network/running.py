"""Who works on a store's inbox: whether a node lives, and the process that judges for it."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from vmcore.files import expanded
from vmcore.runs.locks import held, hold
from vmcore.settings import settings

NODE_LOCK = "node.lock"
JUDGING_LOCK = "judging.lock"
_REST_S = 10.0  # before a process that died is started again
_ENDING_S = 10.0


def node_runs(store: Path | None = None) -> bool:
    """Whether a node receives for this store, on this machine or another one that shares it."""
    return held((store or expanded(settings().store)) / NODE_LOCK)


def judging_runs(store: Path | None = None) -> bool:
    """Whether a process judges what comes into this store."""
    return held((store or expanded(settings().store)) / JUDGING_LOCK)


def hold_node(store: Path) -> int:
    """Be this store's node, for as long as the returned descriptor is open.

    Raises:
        ValueError: another one is.
    """
    store.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = hold(store / NODE_LOCK)
    if lock is None:
        raise ValueError("Another node receives for this store already.")
    return lock


@dataclass(slots=True)
class JudgingProcess:
    """The process that judges, started again where it has died."""

    process: subprocess.Popen[bytes] | None = None
    started: float = field(default=-_REST_S)

    def keep_alive(self) -> bool:
        """Start it where it does not live; whether it was started."""
        gone = self.process is None or self.process.poll() is not None
        if not gone or time.monotonic() - self.started < _REST_S:
            return False
        self.started = time.monotonic()
        self.process = subprocess.Popen([sys.executable, "-m", "vmcore.clinic.network.judging"])
        return True

    def end(self) -> None:
        """End it, whatever it is at."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(_ENDING_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
