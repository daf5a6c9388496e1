"""Another host on the same store, played by a process that counts processes for itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from tests.conftest import ROOT

_APART = ("unshare", "--pid", "--uts", "--mount-proc", "--fork", "--kill-child")
_IMPORTS = """import sys
from pathlib import Path
from vmcore.runs import (
    RunError, all_studies, cancel_run, continue_preparing, delete_run, find_run, resume_run, status,
    stop_preparing,
)
"""


def why_not() -> str:
    """Why none can be played here; empty where one can."""
    if shutil.which("unshare") is None:
        return "process numbers cannot be kept apart here: unshare is missing"
    tried = subprocess.run([*_APART, "true"], capture_output=True, check=False)
    return "process numbers cannot be kept apart here (root is needed)" * bool(tried.returncode)


def elsewhere(code: str, *arguments: object, host: str = "other") -> subprocess.Popen[str]:
    """Start Python code on the other host, with what people do with runs and studies at hand."""
    return subprocess.Popen(
        [*_APART, sys.executable, "-c", _IMPORTS + code, *map(str, arguments)], cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=os.environ | {"VMCORE_HOST": host},
    )  # fmt: skip


def told_elsewhere(code: str, *arguments: object) -> str:
    """What Python code on the other host printed."""
    said, trouble = elsewhere(code, *arguments).communicate()
    assert said, trouble
    return said.strip()


def first_line(process: subprocess.Popen[str]) -> str:
    """The next thing that a process says."""
    assert process.stdout
    line = process.stdout.readline().strip()
    assert line, process.stderr.read() if process.stderr else ""
    return line


def end(process: subprocess.Popen[str]) -> None:
    """The other host goes down, with all that runs on it."""
    process.kill()
    process.communicate()
