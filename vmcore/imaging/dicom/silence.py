"""Keep pydicom from telling others what stands in a header.

Its log lines and warnings quote the values that they complain about, names included.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from pydicom import config

logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
config.settings.reading_validation_mode = config.IGNORE


@contextmanager
def silence() -> Iterator[None]:
    """Without pydicom's warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
