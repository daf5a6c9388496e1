"""How far an epoch has come, as the worker notes it."""

from __future__ import annotations

import time
from pathlib import Path

from vmcore.runs.epoch_under_way import noting, under_way


def test_it_tells_the_share_and_the_pace(tmp_path: Path) -> None:
    note = noting(tmp_path, every_s=0.0)
    began = time.monotonic()
    note(3, 4, 8)  # gone on with in the middle
    told = under_way(tmp_path, 3)
    assert told is not None
    assert (told.share, told.seconds) == (0.5, None)
    time.sleep(0.05)
    note(3, 6, 8)
    most = time.monotonic() - began
    told = under_way(tmp_path, 3)
    assert told is not None
    assert told.share == 0.75
    assert told.seconds is not None
    assert 0.05 / 2 * 8 <= told.seconds <= most / 2 * 8
    note(4, 0, 8)
    assert under_way(tmp_path, 3) is None  # of an epoch that is over
    note(4, 1, 8)
    assert under_way(tmp_path, 4) is not None


def test_it_writes_now_and_then(tmp_path: Path) -> None:
    note = noting(tmp_path, every_s=60.0)
    for step in range(5):
        note(0, step, 8)
    told = under_way(tmp_path, 0)
    assert told is not None
    assert told.share == 0


def test_neither_a_damaged_file_nor_a_folder_that_is_gone_stops_anybody(tmp_path: Path) -> None:
    noting(tmp_path)(0, 1, 8)
    (file,) = tmp_path.iterdir()
    for text in ("", "{", "[1]", '{"epoch": 0}'):
        file.write_text(text)
        assert under_way(tmp_path, 0) is None
    noting(file)(0, 1, 8)
