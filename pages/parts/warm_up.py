"""Load in the background what the first scan needs, while the person still looks at the page."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import numpy as np

from vmcore.settings import settings

log = logging.getLogger(__name__)
_first = threading.Lock()  # taken once, and for good


def start_warming_up() -> None:
    """Begin, once in the app's life; nobody waits for it, and what fails is said where it is used."""
    if not _first.acquire(blocking=False):
        return
    for work in (_network, _reading):
        threading.Thread(target=_quietly, args=(work,), daemon=True).start()


def _quietly(work: Callable[[], None]) -> None:
    try:
        work()
    except Exception as error:
        log.warning("Warming up has failed (%s).", type(error).__name__)


def _network() -> None:
    from pages.parts.model import load_anatomy_model, load_classifier  # noqa: PLC0415
    from vmcore.runs import bundle_in_use  # noqa: PLC0415

    classifier = load_classifier(bundle_in_use().bundle, settings().device)
    black = np.zeros((480, 640, 3), np.uint8)
    classifier.predict([black])
    load_anatomy_model().find(black)


def _reading() -> None:
    from vmcore.imaging import find_text, rest_text_search  # noqa: PLC0415
    from vmcore.imaging.sandbox import shared_reader  # noqa: PLC0415
    from vmcore.reporting import fold_strip, picture_panels  # noqa: F401, PLC0415

    shared_reader().warm_up()
    find_text(np.zeros((540, 800, 3), np.uint8))
    rest_text_search()
