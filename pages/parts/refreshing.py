"""Parts of a page that draw themselves anew, and say where they stand what went wrong in doing so."""

from __future__ import annotations

import errno
import functools
import logging
import sqlite3
from collections.abc import Callable
from typing import ParamSpec

import streamlit as st

from pages.parts.plain import plain
from vmcore.runs import RunError

log = logging.getLogger(__name__)

Arguments = ParamSpec("Arguments")
_FULL = {errno.ENOSPC, errno.EDQUOT}
_NO_ROOM = "The store's disk is full: this cannot be kept until there is room."
_NO_STORE = "The store cannot be read or written: look at its folder, and at who may use it."


def refreshing(draw: Callable[Arguments, None], every_s: float | None) -> Callable[Arguments, None]:
    """A part of a page that is drawn by itself, again and again.

    The page's own error handling is over when a part is drawn again, so each sees to its own: a run's
    trouble and a store that cannot be used are said in its place, and it is tried again next time.

    Args:
        draw: draws it.
        every_s: how often, seconds; only when somebody uses it without.
    """

    @functools.wraps(draw)  # by which the framework knows it again
    def guarded(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        try:
            draw(*args, **kwargs)
        except RunError as error:
            st.error(plain(error), icon=":material/error:")
        except (sqlite3.Error, OSError) as error:  # their texts may quote paths
            log.warning("A part of a page could not be drawn (%s).", type(error).__name__)
            st.error(_NO_ROOM if _is_full(error) else _NO_STORE, icon=":material/error:")

    return st.fragment(guarded, run_every=every_s)


def _is_full(error: sqlite3.Error | OSError) -> bool:
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    return error.errno in _FULL
