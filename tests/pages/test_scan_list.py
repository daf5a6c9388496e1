"""One goes through the whole list, though urgent scans come to stand before what was looked at."""

from __future__ import annotations

from pages.parts.scan_list import next_scan


def test_the_next_scan_is_the_one_that_follows() -> None:
    assert next_scan([4, 5, 1, 2], 4, unseen=[5, 2]) == 5
    assert next_scan([4, 5, 1, 2], 5, unseen=[4, 2]) == 1


def test_from_the_end_one_comes_to_what_was_passed_by() -> None:
    assert next_scan([4, 5, 1, 2], 2, unseen=[5]) == 5
    assert next_scan([4, 5, 1, 2], 2, unseen=[2]) is None
    assert next_scan([4, 5, 1, 2], 2, unseen=[]) is None


def test_from_a_scan_that_is_not_in_the_list_one_comes_to_its_first() -> None:
    assert next_scan([4, 5], 9, unseen=[]) == 4
    assert next_scan([], 9, unseen=[]) is None
