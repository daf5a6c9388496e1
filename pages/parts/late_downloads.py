"""A click on a download button that is just being drawn anew gives the file that the button then stands for.

Each run of a page gives its download buttons new numbers, and the framework forgets the old ones when a run ends
or makes way for the next. Until the browser has heard of the new number a click asks for the old one, and would get
an error instead of a file.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import NamedTuple

from streamlit import runtime
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.media_file_storage import MediaFileStorageError

_REMEMBERED = 4096  # buttons of all sessions
_PATIENCE_S = 15.0  # for a page that is drawn slowly
_ASKED_EVERY_S = 0.05


class _Button(NamedTuple):
    session: str
    element: str


def answer_late_downloads() -> None:
    """Have clicks on forgotten numbers answered by what the same button gives now; for the start of an app, once."""
    forget, give = MediaFileManager._drop_deferred_id, MediaFileManager.execute_deferred  # noqa: SLF001
    buttons: OrderedDict[str, _Button] = OrderedDict()

    def forget_all_but_the_button(
        self: MediaFileManager, file_id: str
    ) -> None:  # under the manager's lock
        if (entry := self._deferred_callables.get(file_id)) and entry["element_id"]:
            buttons[file_id] = _Button(entry["session_id"], entry["element_id"])
            while len(buttons) > _REMEMBERED:
                buttons.popitem(last=False)
        forget(self, file_id)

    def give_what_the_button_gives_now(self: MediaFileManager, file_id: str) -> str:
        until = time.monotonic() + _PATIENCE_S
        number = _now(self, file_id, buttons, until)
        try:
            return give(self, number)
        except MediaFileStorageError:
            newer = _now(self, number, buttons, until)
            if newer == number:
                raise
            return give(self, newer)  # the page was drawn anew between looking and asking

    MediaFileManager._drop_deferred_id = forget_all_but_the_button  # type: ignore[method-assign]  # noqa: SLF001
    MediaFileManager.execute_deferred = give_what_the_button_gives_now  # type: ignore[method-assign]


def _now(
    manager: MediaFileManager, file_id: str, buttons: OrderedDict[str, _Button], until: float
) -> str:
    """The number that stands for the same button, once there is one; the asked one where there is none in time."""
    while True:
        with manager._lock:  # noqa: SLF001
            button = buttons.get(file_id)
            there = file_id in manager._deferred_callables  # noqa: SLF001
            if there or button is None or _has_left(button.session):
                return file_id
            newest = _newest(manager, button)
        if newest is not None:
            return newest
        if time.monotonic() > until:
            return file_id
        time.sleep(_ASKED_EVERY_S)


def _has_left(session: str) -> bool:
    """Whether nobody looks at a session's page any more."""
    return runtime.exists() and not runtime.get_instance().is_active_session(session)


def _newest(manager: MediaFileManager, button: _Button) -> str | None:
    """The last number that a session's button was given; for holders of the manager's lock."""
    given = manager._deferred_callables.items()  # noqa: SLF001
    same = [
        number for number, entry in given if (entry["session_id"], entry["element_id"]) == button
    ]
    return same[-1] if same else None
