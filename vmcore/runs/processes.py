"""Processes that outlive the app: started detached, recognised again after a restart, ended whole."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

_ROOT = Path(__file__).resolve().parent.parent.parent
Job = dict[str, object]
_children: list[subprocess.Popen[bytes]] = []  # kept until they end, so that none stays a zombie


def spawn(log: Path, module: str, *arguments: str) -> Job:
    """Start ``python -m module`` in a session of its own; its words go to the log.

    Returns:
        what :func:`find_process` needs to know it again.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as stream:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", module, *arguments],
            cwd=_ROOT, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
    _children[:] = [child for child in _children if child.poll() is None] + [process]
    return {"pid": process.pid, "born": psutil.Process(process.pid).create_time()}


def find_process(job: Job) -> psutil.Process | None:
    """A job's process, or None where it has ended or its number belongs to another one now."""
    try:
        process = psutil.Process(int(str(job["pid"])))
        if abs(process.create_time() - float(str(job["born"]))) > 1:
            return None
        return None if process.status() == psutil.STATUS_ZOMBIE else process
    except (psutil.Error, KeyError, ValueError):
        return None


def end_process(job: Job) -> None:
    """End a job's process and everything that it started; politely first."""
    process = find_process(job)
    if process is None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(psutil.Error):
        psutil.wait_procs([process], timeout=5)
        if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            os.killpg(process.pid, signal.SIGKILL)
