"""Start a worker: ``python -m vmcore.runs.starting WORKER RUN [--fold K]``.

While it loads nothing looks for garbage: what is loaded stays, and the looking takes a fifth of the start.
"""

from __future__ import annotations

import gc
import sys
from importlib import import_module


def main() -> None:
    """Load the worker that is named first, and have it do what the other words say."""
    gc.disable()
    import tyro  # noqa: PLC0415

    from vmcore.file_modes import keep_private  # noqa: PLC0415

    worker = import_module(sys.argv[1])
    gc.freeze()
    gc.enable()
    keep_private()
    tyro.cli(worker.main, args=sys.argv[2:])


if __name__ == "__main__":
    main()
