"""Which machine this is, as processes and devices see it: many hosts may share one store."""

from __future__ import annotations

import hashlib
from pathlib import Path

from vmcore.settings import settings

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def machine_id(boot: Path = _BOOT) -> str:
    """The running kernel, which containers of one machine share, as they share its devices.

    Args:
        boot: file with the kernel's own number; another one plays another machine. Where there is
            none, the host's name stands for it.
    """
    try:
        told = boot.read_text().strip()
    except OSError:
        told = ""
    return hashlib.sha256((told or settings().host).encode()).hexdigest()[:16]


def whereabouts() -> dict[str, object]:
    """What is noted beside a process number, so that it is looked up only where it means something."""
    try:
        numbering = str(
            Path("/proc/self/ns/pid").readlink()
        )  # a container counts processes for itself
    except OSError:
        numbering = settings().host
    return {"host": settings().host, "machine": machine_id(), "numbering": numbering}


def is_here(noted: dict[str, object]) -> bool:
    """Whether a noted process number means a process of this machine and container."""
    here = whereabouts()
    return all(noted.get(key, here[key]) == here[key] for key in ("machine", "numbering"))
