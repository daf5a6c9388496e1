"""One thread at a time loads modules, for programs whose threads load what they need when they need it.

Python locks module by module: of two threads that load a library whose modules import each other, from two ends,
each may find the other's half-made modules (bpo-38884), and the library stays broken until the program ends.
"""

from __future__ import annotations

import gc
import importlib
import logging
import os
import threading
from typing import Any

log = logging.getLogger(__name__)

_WAIT_S = (
    60.0  # a module that waits for a thread of its own, which loads another, must not wait for ever
)
_turn = threading.RLock()
_first = threading.Lock()  # taken once, and for good


class _Here(threading.local):
    """What a thread is at.

    Attributes:
        waits: whether it waits for its turn: not any more, once it has waited in vain.
        loads: whether it is in the middle of an import.
    """

    waits = True
    loads = False


_here = _Here()
_loading = False  # whether any thread is, and garbage waits for it


def import_in_turn() -> None:
    """Have threads take turns from the first module of an import to its last; for the start of a program.

    Modules that are loaded already cost nothing more. What imports them does not matter: the statement,
    ``importlib.import_module`` and lazy packages all come by here. The price is that a thread that needs something
    small waits while another one loads something large.

    Call it before anything that several threads may load at once: an import that has begun knows of no turn.
    """
    if not _first.acquire(blocking=False):
        return
    system: Any = importlib._bootstrap  # noqa: SLF001
    load = system._find_and_load  # noqa: SLF001  all of them call it, where a module is not loaded yet

    def load_in_turn(name: str, import_: Any) -> Any:
        turn = _turn  # a module that forks comes back with another one
        taken = _here.waits and turn.acquire(timeout=_WAIT_S)
        if _here.waits and not taken:
            log.warning(
                "A module is loaded out of turn: another one took more than %.0f s.", _WAIT_S
            )
            _here.waits = False
        global _loading  # noqa: PLW0603
        outermost = taken and not _here.loads and gc.isenabled()
        if outermost:
            _loading = _here.loads = True
            gc.disable()
        try:
            return load(name, import_)
        finally:
            if outermost:
                gc.enable()
                _loading = _here.loads = False
            if taken:
                turn.release()

    system._find_and_load = load_in_turn  # noqa: SLF001
    os.register_at_fork(after_in_child=_begin_anew)


def _begin_anew() -> None:
    """Free the turn in a forked process: the thread that held it is not there."""
    global _turn, _loading  # noqa: PLW0603
    _turn = threading.RLock()
    if _loading and not _here.loads:
        _loading = False
        gc.enable()
