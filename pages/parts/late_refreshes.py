"""A part of a page that asks to be drawn anew after its page was left is not drawn.

The framework would take it for a way back: it tells the browser that the former page is shown, the browser empties
the page that is, and nothing is drawn, since the part is gone. That happens where the server changes the page, and
the browser's clock has asked before it learns of it.
"""

from __future__ import annotations

from typing import Any

from streamlit.runtime.scriptrunner.script_runner import ScriptRunner


def drop_late_refreshes() -> None:
    """Have requests dropped of which no part is there any more; for the start of an app, once."""
    run = ScriptRunner._run_script  # noqa: SLF001

    def run_what_is_there(self: ScriptRunner, rerun_data: Any) -> None:
        there = self._fragment_storage.contains
        asked = rerun_data.fragment_id_queue
        if not asked or any(there(part) for part in asked):
            run(self, rerun_data)

    ScriptRunner._run_script = run_what_is_there  # type: ignore[method-assign]  # noqa: SLF001
