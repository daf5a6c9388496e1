"""Processes that outlive the app: started detached, recognised again after a restart, ended whole.

Whether one lives is told by a lock that it holds from its first moment, on every host that shares the
store. Its number serves to end it, and only where it was started.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from vmcore.runs.errors import RunError
from vmcore.runs.locks import held, hold
from vmcore.runs.machine import is_here, whereabouts

_ROOT = Path(__file__).resolve().parent.parent.parent
_NICENESS = 19  # pages and their answers come first
Job = dict[str, object]
_children: list[subprocess.Popen[bytes]] = []  # kept until they end, so that none stays a zombie


def spawn(log: Path, lock: Path, module: str, *arguments: str) -> Job:
    """Start ``python -m module`` in a session of its own; its words go to the log.

    Args:
        log: where it says what it does.
        lock: held by the process as long as it lives.
        module: what is run.
        arguments: its arguments.

    Returns:
        what :func:`find_process` needs to know it again.

    Raises:
        RunError: another process holds the lock.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    descriptor = hold(lock)
    if descriptor is None:
        raise RunError("Another process is at this work already.")
    try:
        with log.open("ab") as stream:
            process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", module, *arguments],
                cwd=_ROOT, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT,
                start_new_session=True, pass_fds=(descriptor,),
            )  # fmt: skip
    finally:
        os.close(descriptor)  # the child's copy keeps the lock
    _children[:] = [child for child in _children if child.poll() is None] + [process]
    child = psutil.Process(process.pid)
    child.nice(_NICENESS)  # before it has threads, which take it over
    return {"pid": process.pid, "born": child.create_time()} | whereabouts()


def is_alive(job: Job, lock: Path) -> bool:
    """Whether a job's process lives, here or on another host that shares the store."""
    return held(lock) or find_process(job) is not None


def find_process(job: Job) -> psutil.Process | None:
    """A job's process; None where it has ended, its number is another one's now, or is not ours."""
    if not is_here(job):
        return None
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
