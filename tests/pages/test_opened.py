"""What was asked for is shown, or why it is not; never another scan in its place."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import streamlit as st

from pages.parts.opened import (
    REMOVED,
    forget_opened,
    not_shown,
    open_file,
    open_scan,
    opened_number,
    opened_scan,
)
from pages.parts.uploads import DroppedFile, UploadBudget, Uploads
from vmcore.imaging import ReadLimits


@pytest.fixture
def uploads() -> Iterator[Uploads]:
    """Three files of which two are held."""
    st.session_state.clear()
    held = Uploads(ReadLimits(), UploadBudget(2, 100, 100))
    held.sync([DroppedFile(key, "scan", lambda: b"a file") for key in ("a", "b", "c")])
    yield held
    st.session_state.clear()


def test_the_first_scan_is_looked_at_where_none_was_asked_for(uploads: Uploads) -> None:
    assert (opened_number(uploads), not_shown(uploads)) == (1, None)
    open_scan(2)
    assert (opened_number(uploads), not_shown(uploads)) == (2, None)
    open_file("a")
    assert opened_number(uploads) == 1


def test_no_other_scan_stands_in_for_one_that_is_refused(uploads: Uploads) -> None:
    open_scan(2)
    uploads.files[1].refusal = "It is no picture."
    assert opened_scan(uploads) is None
    assert not_shown(uploads) == "Scan 2 cannot be shown: It is no picture."
    open_scan(1)
    assert (opened_number(uploads), not_shown(uploads)) == (1, None)


def test_no_other_scan_stands_in_for_one_that_is_left_out(uploads: Uploads) -> None:
    open_file("c")
    assert opened_scan(uploads) is None
    assert "Only 2 scans are held at a time" in str(not_shown(uploads))
    open_file("removed meanwhile")
    assert opened_scan(uploads) is None
    assert "not among the open files" in str(not_shown(uploads))
    forget_opened()
    assert opened_number(uploads) == 1


def test_no_other_scan_stands_in_for_one_that_was_removed_from_the_inbox(uploads: Uploads) -> None:
    open_scan(2)
    assert opened_number(uploads) == 2
    st.session_state[REMOVED] = {"b"}
    uploads.sync([DroppedFile(key, "scan", lambda: b"a file") for key in ("a", "c")])
    assert opened_scan(uploads) is None
    assert not_shown(uploads) == "Scan 2 cannot be shown: It was removed from the inbox meanwhile."
    forget_opened()
    assert opened_number(uploads) == 1


def test_where_a_person_takes_a_scan_away_the_first_one_left_is_looked_at(uploads: Uploads) -> None:
    open_scan(2)
    assert opened_number(uploads) == 2
    uploads.sync([DroppedFile("a", "scan", lambda: b"a file")])
    assert opened_number(uploads) == 1
