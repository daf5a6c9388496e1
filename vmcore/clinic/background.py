"""Work on many items in the background, the asked-for first, with progress and cancel."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Progress:
    """How many items are done of how many that were wanted, and whether somebody works on the rest."""

    done: int
    wanted: int
    working: bool


@dataclass(slots=True)
class _Shared(Generic[Item]):
    """What owner and threads share; the threads hold this alone, so that the owner can go."""

    work: Callable[[Item], None]
    changed: threading.Condition = field(default_factory=threading.Condition)
    waiting: list[Item] = field(default_factory=list)
    running: set[Item] = field(default_factory=set)
    done: set[Item] = field(default_factory=set)
    threads: int = 0
    closed: bool = False


class BackgroundWork(Generic[Item]):
    """Calls ``work`` for each wanted item once, on a few threads that live while there is something to do.

    ``work`` sees to its own failures: what it raises is swallowed, the item counts as done, and the
    others go on. Nothing is begun any more once the owner of this object is gone.

    Args:
        work: what is done with an item; must not hold the object that holds this one.
        workers: how many items are worked on at the same time.
    """

    def __init__(self, work: Callable[[Item], None], workers: int = 2) -> None:
        self._shared: _Shared[Item] = _Shared(work)
        self._workers = workers
        weakref.finalize(self, _close, self._shared).atexit = False  # threads end with the process

    def want(self, items: Iterable[Item]) -> None:
        """Do exactly these, in this order, but for those that are done; what else was waiting is dropped."""
        shared = self._shared
        with shared.changed:
            wanted = list(dict.fromkeys(items))
            shared.done &= set(wanted)
            busy = shared.done | shared.running
            shared.waiting = [item for item in wanted if item not in busy]
            self._start()

    def now(self, item: Item) -> None:
        """Do this one before all others, and come back when it is done, or was cancelled."""
        shared = self._shared
        with shared.changed:
            if item in shared.done:
                return
            if item not in shared.running:
                shared.waiting = [item, *(other for other in shared.waiting if other != item)]
            self._start()
            shared.changed.wait_for(
                lambda: shared.closed or item not in {*shared.waiting, *shared.running}
            )

    def again(self, item: Item) -> None:
        """Forget that an item was done."""
        with self._shared.changed:
            self._shared.done.discard(item)

    def cancel(self) -> None:
        """Begin nothing more; what is just being done comes to its end."""
        with self._shared.changed:
            self._shared.waiting.clear()
            self._shared.changed.notify_all()

    def progress(self) -> Progress:
        """How far it is."""
        shared = self._shared
        with shared.changed:
            open_ = len(shared.waiting) + len(shared.running)
            return Progress(len(shared.done), len(shared.done) + open_, open_ > 0)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until nothing is left to do; False where the time was not enough."""
        shared = self._shared
        with shared.changed:
            return shared.changed.wait_for(
                lambda: shared.closed or not (shared.waiting or shared.running), seconds
            )

    def _start(self) -> None:
        shared = self._shared
        while shared.threads < min(self._workers, len(shared.waiting) + len(shared.running)):
            shared.threads += 1
            threading.Thread(target=_run, args=(shared,), daemon=True).start()


def _close(shared: _Shared[Item]) -> None:
    with shared.changed:
        shared.closed = True
        shared.waiting.clear()
        shared.changed.notify_all()


def _run(shared: _Shared[Item]) -> None:
    while True:
        with shared.changed:
            if not shared.waiting:
                shared.threads -= 1
                shared.changed.notify_all()
                return
            item = shared.waiting.pop(0)
            shared.running.add(item)
        try:
            shared.work(item)
        except Exception:  # noqa: S110  one item's failure, which ``work`` has told already
            pass
        finally:
            with shared.changed:
                shared.running.discard(item)
                shared.done.add(item)
                shared.changed.notify_all()
