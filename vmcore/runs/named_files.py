"""Files of this machine that somebody has named for a run."""

from __future__ import annotations

from pathlib import Path

from vmcore.data.containment import NOT_ALLOWED, is_allowed
from vmcore.files import expanded
from vmcore.runs.errors import RunError


def weights_file(named: str) -> Path:
    """The file that somebody has named as the start of a run.

    Raises:
        RunError: the installation does not let it be read.
    """
    path = expanded(Path(named))
    if not is_allowed(path):
        raise RunError(NOT_ALLOWED)
    return path
