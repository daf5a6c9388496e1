"""One run a device: further runs wait in line, first come first served.

Device and place in the line are file locks, which the operating system lets go of when their process
ends, however it ends, in whichever container. Devices belong to a machine, and so does their line.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from vmcore.runs.locks import held, hold
from vmcore.runs.machine import machine_id
from vmcore.settings import settings

_POLL_S = 0.3


def devices_folder() -> Path:
    """Where the locks and tickets of this machine lie; containers of one machine share them."""
    return settings().store / "devices" / machine_id()


def device_names() -> list[str]:
    """The machine's devices: "cuda:0" and so on, or "cpu"."""
    import torch  # noqa: PLC0415  slow to import; to look at the line takes less

    return [f"cuda:{index}" for index in range(torch.cuda.device_count())] or ["cpu"]


@contextmanager
def claim_device(
    folder: Path, *, names: list[str] | None = None, stop: Callable[[], bool] = lambda: False
) -> Iterator[str | None]:
    """Wait in line for a free device and hold it; None where ``stop`` said so before.

    Args:
        folder: where locks and tickets lie, shared by all runs of one machine:
            :func:`devices_folder`.
        names: the devices; the machine's own without.
        stop: asked while waiting.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = names or device_names()
    with _ticket(folder) as ticket:
        while not stop():
            lock = _first_free(folder, names) if _next_in_line(folder) == ticket else None
            if lock is not None:
                name, device = lock
                ticket.unlink(missing_ok=True)
                try:
                    yield name
                finally:
                    device.release()
                return
            time.sleep(_POLL_S)
        yield None


@contextmanager
def _ticket(folder: Path) -> Iterator[Path]:
    """A place in the line, held until it is used or given up."""
    unseen = folder / f".{uuid.uuid4().hex}"
    descriptor = hold(unseen)  # before others can see it: a ticket that nobody holds is thrown away
    ticket = unseen.rename(folder / f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}.ticket")
    try:
        yield ticket
    finally:
        ticket.unlink(missing_ok=True)
        if descriptor is not None:
            os.close(descriptor)


def _first_free(folder: Path, names: list[str]) -> tuple[str, FileLock] | None:
    for name in names:
        lock = FileLock(folder / f"{_lasting(name).replace(':', '-')}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        return name, lock
    return None


def _lasting(name: str) -> str:
    """A device's name that is the same in every container, where each may count from zero."""
    kind, _, index = name.partition(":")
    if kind != "cuda" or not index.isdigit():
        return name
    import torch  # noqa: PLC0415

    if int(index) >= torch.cuda.device_count():
        return name
    return f"gpu-{torch.cuda.get_device_properties(int(index)).uuid}"


def _next_in_line(folder: Path) -> Path | None:
    for ticket in sorted(folder.glob("*.ticket")):
        if held(ticket):
            return ticket
        ticket.unlink(missing_ok=True)  # its process died while it waited
    return None
