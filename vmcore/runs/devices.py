"""One run a device: further runs wait in line, first come first served.

A claim is a file lock, which the operating system lets go when its process ends, however it ends.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import torch
from filelock import FileLock, Timeout

_POLL_S = 0.3


def device_names() -> list[str]:
    """The machine's devices: "cuda:0" and so on, or "cpu"."""
    return [f"cuda:{index}" for index in range(torch.cuda.device_count())] or ["cpu"]


@contextmanager
def claim_device(
    folder: Path, *, names: list[str] | None = None, stop: Callable[[], bool] = lambda: False
) -> Iterator[str | None]:
    """Wait in line for a free device and hold it; None where ``stop`` said so before.

    Args:
        folder: where locks and tickets lie, shared by all runs of this machine.
        names: the devices; the machine's own without.
        stop: asked while waiting.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = names or device_names()
    ticket = folder / f"{time.time_ns():020d}-{os.getpid()}.ticket"
    ticket.touch()
    try:
        while not stop():
            lock = _first_free(folder, names) if _next_in_line(folder) == ticket else None
            if lock is not None:
                name, held = lock
                ticket.unlink(missing_ok=True)
                try:
                    yield name
                finally:
                    held.release()
                return
            time.sleep(_POLL_S)
        yield None
    finally:
        ticket.unlink(missing_ok=True)


def _first_free(folder: Path, names: list[str]) -> tuple[str, FileLock] | None:
    for name in names:
        lock = FileLock(folder / f"{name.replace(':', '-')}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        return name, lock
    return None


def _next_in_line(folder: Path) -> Path | None:
    for ticket in sorted(folder.glob("*.ticket")):
        if psutil.pid_exists(int(ticket.stem.rsplit("-", 1)[1])):
            return ticket
        ticket.unlink(missing_ok=True)  # its process died while it waited
    return None
