"""Keep pydicom from telling others what stands in a header.

Its log lines and warnings quote the values that they complain about, names included.
"""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from pydicom import config

logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
config.settings.reading_validation_mode = config.IGNORE

_lock = threading.Lock()
_inside = 0
_kept = ExitStack()


@contextmanager
def silence() -> Iterator[None]:
    """Without pydicom's warnings, as long as anybody is inside: filters are the whole process's."""
    global _inside, _kept  # noqa: PLW0603
    with _lock:
        if not _inside:
            _kept = ExitStack()
            _kept.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                _kept.close()
