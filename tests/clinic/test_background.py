"""Work in the background: each item once, the asked-for first, one failure stops nothing."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable

from vmcore.clinic import BackgroundWork


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_each_item_is_done_once_and_in_order() -> None:
    done: list[int] = []
    work = BackgroundWork(done.append, workers=1)
    work.want(range(20))
    work.want(range(20))
    assert work.wait(10)
    assert done == list(range(20))
    assert (work.progress().done, work.progress().wanted, work.progress().working) == (
        20,
        20,
        False,
    )


def test_a_failure_stops_none_of_the_others() -> None:
    done: list[int] = []

    def fail_at_three(item: int) -> None:
        if item == 3:
            raise ValueError
        done.append(item)

    work = BackgroundWork(fail_at_three)
    work.want(range(8))
    assert work.wait(10)
    assert sorted(done) == [0, 1, 2, 4, 5, 6, 7]


def test_what_is_asked_for_comes_next() -> None:
    go, order = threading.Event(), []

    def wait_first(item: int) -> None:
        order.append(item)
        if item == 0:
            go.wait(10)

    work = BackgroundWork(wait_first, workers=1)
    work.want(range(50))
    wait_until(lambda: bool(order))
    asking = threading.Thread(target=work.now, args=(40,))
    asking.start()
    wait_until(lambda: work._shared.waiting[:1] == [40])
    go.set()
    asking.join(10)
    assert order[:2] == [0, 40]
    assert work.wait(10)
    assert sorted(order) == list(range(50))


def test_cancel_begins_nothing_more_and_what_is_removed_is_not_begun() -> None:
    go, begun = threading.Event(), []

    def hold(item: int) -> None:
        begun.append(item)
        go.wait(10)

    work = BackgroundWork(hold, workers=2)
    work.want(range(9))
    wait_until(lambda: len(begun) == 2)
    work.cancel()
    go.set()
    assert work.wait(10)
    assert len(begun) == 2
    work.want([5, 6])
    assert work.wait(10)
    assert sorted(begun) == [0, 1, 5, 6]
    assert work.progress().wanted == 2


def test_nothing_is_begun_once_the_owner_is_gone() -> None:
    go, begun = threading.Event(), []

    def hold(item: int) -> None:
        begun.append(item)
        go.wait(10)

    work = BackgroundWork(hold, workers=1)
    work.want(range(100))
    wait_until(lambda: bool(begun))
    del work
    gc.collect()
    go.set()
    time.sleep(0.05)
    assert begun == [0]
