"""Start a run from the command line and follow it to its end; Ctrl-C stops it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from pydantic import ValidationError

from vmcore.data import ManifestError
from vmcore.runs import RunError, RunFolder, cancel_run, status

_POLL_S = 2.0


def begun(begin: Callable[[], RunFolder]) -> RunFolder:
    """The run that ``begin`` starts or resumes; ends with a sentence where it cannot."""
    try:
        folder = begin()
    except ValidationError as error:
        sys.exit(in_words(error))
    except (RunError, ManifestError) as error:
        sys.exit(str(error))
    sys.stdout.write(f"Run {folder.run_id}\n")
    return folder


def in_words(error: ValidationError) -> str:
    """What is wrong with a plan, setting by setting."""
    return "; ".join(
        ": ".join(
            [
                *(str(place) for place in problem["loc"][-1:]),
                problem["msg"].removeprefix("Value error, "),
            ]
        )
        for problem in error.errors()
    )


def follow(folder: RunFolder, module: str) -> None:
    """Print a run's log until it ends; exits with its reason where it did not finish.

    Args:
        folder: the run.
        module: the command that resumes it.
    """
    try:
        _follow(folder)
    except KeyboardInterrupt:
        cancel_run(folder.run_id)
        sys.exit(f"Stopped. Go on with: python -m {module} --resume {folder.run_id}")


def _follow(folder: RunFolder) -> None:
    said = 0
    while True:
        stands = status(folder)
        lines = folder.log.read_text(errors="replace").splitlines()
        sys.stdout.write("".join(f"{line}\n" for line in lines[said:]))
        sys.stdout.flush()
        said = len(lines)
        if stands.state not in {"pending", "running", "unknown"}:
            break
        time.sleep(_POLL_S)
    if stands.state != "finished":
        sys.exit(stands.reason or "The run was stopped.")
