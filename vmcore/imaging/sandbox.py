"""Read files in processes of their own, so that one that hangs, crashes or swells harms nobody.

A decoder is C code that gets whatever a stranger has put into a file. Each file is read by a worker
with a limit to its time and memory; a worker that is over it is killed, and the next file gets another
one. Pixels come back in memory that both processes see, and that has no name anywhere.
"""

from __future__ import annotations

import mmap
import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import TimeoutError as LateError
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from multiprocessing.util import Finalize
from pathlib import Path
from queue import Empty, LifoQueue
from typing import Any

import numpy as np
from pydicom import Dataset

from vmcore.imaging import sandbox_tasks as tasks
from vmcore.imaging.handed_over import by_message, given, nameless, place_of
from vmcore.imaging.loop_frames import LoopFrames, Picture, Recipe, damaged
from vmcore.imaging.reading import bytes_of
from vmcore.imaging.scan import BusyError, Content, Encoded, GoneError, ReadLimits, Scan, ScanError

_WORKERS = 2  # a file that hangs must not make the others wait
_PATIENCE_S, _PATIENCE_S_PER_MB = 5.0, 2.0
_LONGEST_S = 60.0  # beside the first, for a file of any size
_WAITING_S = 120.0  # for a worker that is free
_STARTING_S = 120.0  # imports on a busy machine
_OWN_BYTES = 2**30  # address space of the interpreter and its libraries
_COPIES = 3  # of the largest picture, that decoding may need
_WATCH_S = 1.0
_LATE = "The file takes too long to decode, as damaged ones do; export the scan anew."
_BUSY = "Other files are just being read and take long; try again in a minute."
_NOT_STARTED = (
    "The file cannot be read now: this machine has no room for another process. Try again."
)
_DIED = "The file is damaged: it made its decoder fail. Export the scan anew."


_one_makes = threading.Lock()


class SandboxedReader:
    """Workers that read files; safe to share between threads.

    Args:
        workers: how many files are read at the same time.
        patience_s: how long a file may take.
        patience_s_per_mb: how much longer for each of its megabytes.
        memory: address space that a worker may take, bytes; by the limits of reading without it.
    """

    def __init__(
        self,
        workers: int = _WORKERS,
        patience_s: float = _PATIENCE_S,
        patience_s_per_mb: float = _PATIENCE_S_PER_MB,
        memory: int | None = None,
    ) -> None:
        self._patience_s, self._patience_s_per_mb = patience_s, patience_s_per_mb
        self._memory = memory or _OWN_BYTES + _COPIES * 3 * ReadLimits().whole_pixels
        self._idle: LifoQueue[Any] = LifoQueue()  # the last one is the warmest
        for _ in range(workers):
            self._idle.put(None)
        self._running: set[Any] = set()
        # before this process waits for its children, which would wait for it
        Finalize(self, _end, (self._running,), exitpriority=10)

    def warm_up(self) -> None:
        """Start one worker, so that the first file need not wait for it."""
        with self._worker():
            pass

    def close(self) -> None:
        """End all workers, at whatever they are."""
        _end(self._running)

    def read(self, data: bytes, limits: ReadLimits) -> Scan:
        """See :func:`read_sandboxed`."""
        with self._worker() as executor, nameless() as memory:
            answer = self._ask_of([data], executor, tasks.read, limits, place_of(memory))
            if answer.refusal:
                raise _RefusedError(answer.refusal)
            if answer.recipe is not None:
                frames = LoopFrames(data, answer.recipe, self.decode)
                return replace(answer.scan, frames=frames)
            if len(answer.scan.frames):
                return answer.scan
            mapped = mmap.mmap(memory, 0, access=mmap.ACCESS_COPY)
            return replace(
                answer.scan, frames=np.frombuffer(mapped, np.uint8).reshape(answer.shape)
            )

    def decode(
        self, recipe: Recipe, content: Content, frames: Sequence[int]
    ) -> list[Picture | str]:
        """Decode frames of a file in a worker; a :data:`~vmcore.imaging.loop_frames.Decode`.

        A frame that ends its worker is found out, and costs none of the others.

        Raises:
            ScanError: no worker is free, or none can be started.
        """
        try:
            return self._decode(recipe, content, frames)
        except GoneError:
            if len(frames) == 1:
                return [damaged(frames[0])]
        return [self.decode(recipe, content, [frame])[0] for frame in frames]

    def _decode(
        self, recipe: Recipe, content: Content, frames: Sequence[int]
    ) -> list[Picture | str]:
        whole = recipe.whole_file
        parts = [content] if whole else [recipe.encoded(content, frame) for frame in frames]
        lengths = [0] * len(frames) if whole else list(map(len, parts))
        with self._worker() as executor, nameless() as memory:
            found = self._ask_of(
                parts, executor, tasks.decode, lengths, recipe.without_spans(), frames, place_of(memory)
            )  # fmt: skip
            pictures = found.pictures
            if not pictures:
                mapped = mmap.mmap(memory, 0, access=mmap.ACCESS_READ)
                pictures = np.frombuffer(mapped, np.uint8).reshape(len(frames), *recipe.shape[1:])
            return [why or one for why, one in zip(found.refusals, pictures, strict=True)]

    def read_source(self, data: bytes, limits: ReadLimits) -> Dataset:
        """See :func:`read_source_sandboxed`."""
        with self._worker() as executor:
            header = self._ask(executor, len(data), tasks.read_header, data, limits)
            if isinstance(header, str):
                raise _RefusedError(header)
            return header

    def call(self, data: bytes, work: Callable[..., Any], *arguments: object) -> Any:
        """What a function makes of a file's bytes, in a worker.

        Args:
            data: the file's content.
            work: a module's function, called with ``data``; it may raise ScanError.
            *arguments: what it is called with besides.

        Raises:
            ScanError: as the function does; also where it hangs, crashes or wants too much memory.
        """
        with self._worker() as executor:
            answer = self._ask(executor, len(data), tasks.call, work, data, arguments)
            if isinstance(answer, tasks.Refusal):
                raise _RefusedError(answer.sentence)
            return answer

    def _ask_of(
        self, parts: Sequence[Encoded], executor: Any, work: Callable[..., Any], *arguments: object
    ) -> Any:
        """What a worker makes of bytes that are too many for a message."""
        size = sum(map(len, parts))
        with given(parts) as handed:
            answer = self._ask(executor, size, work, handed, *arguments)
        if answer == tasks.OUT_OF_REACH:
            answer = self._ask(executor, size, work, by_message(parts), *arguments)
        return answer

    def _ask(self, executor: Any, size: int, work: Callable[..., Any], *arguments: object) -> Any:
        """What a worker makes of a file of so many bytes, in the time that such a file may take."""
        more = min(self._patience_s_per_mb * size / 2**20, _LONGEST_S)
        try:
            return executor.submit(work, *arguments).result(self._patience_s + more)
        except LateError:
            raise GoneError(_LATE) from None
        except Exception:  # the executor's own kinds, of a worker that has died
            raise DiedError(_DIED) from None

    @contextmanager
    def _worker(self) -> Iterator[Any]:
        """A worker for one file; one that has not come to its end is killed."""
        try:
            executor = self._idle.get(timeout=_WAITING_S)
        except Empty:
            raise BusyError(_BUSY) from None
        try:
            if executor is None:
                try:
                    executor = _start(self._memory)
                except Exception:  # the system's own kinds, and the executor's
                    raise BusyError(_NOT_STARTED) from None
                self._running.add(executor)
            yield executor
        except _RefusedError:
            raise
        except BaseException:
            if executor is not None:
                self._running.discard(executor)
                executor.shutdown(wait=False, kill_workers=True)
            executor = None
            raise
        finally:
            self._idle.put(executor)


class _RefusedError(ScanError):
    """The worker has done its work, and the file cannot be read."""


class DiedError(GoneError):
    """A worker has died at a file, by the file's fault or for want of memory."""


def _end(running: set[Any]) -> None:
    while running:
        running.pop().shutdown(wait=False, kill_workers=True)


@lru_cache(maxsize=1)
def _shared_reader() -> SandboxedReader:
    return SandboxedReader()


def shared_reader() -> SandboxedReader:
    """The workers that a whole process shares."""
    with _one_makes:
        return _shared_reader()


def read_sandboxed(source: bytes | Path, *, limits: ReadLimits | None = None) -> Scan:
    """Read a file as :func:`vmcore.imaging.read_scan` does, in a process of its own.

    Args:
        source: the file's bytes, or its path.
        limits: the most that a file may claim.

    Returns:
        the scan; its frames are memory that is given back to the system as soon as nobody holds them.

    Raises:
        ScanError: with one sentence; also where the decoder hangs, crashes or wants too much memory.
    """
    limits = limits or ReadLimits()
    return shared_reader().read(bytes_of(source, limits), limits)


def read_source_sandboxed(data: bytes, *, limits: ReadLimits | None = None) -> Dataset:
    """A DICOM file's header with its identity, read in a process of its own.

    See :func:`vmcore.imaging.dicom.read_source`: for objects that join the file's study, used at once
    and never kept.

    Raises:
        ScanError: with one sentence; also where the file makes its reader hang or crash.
    """
    limits = limits or ReadLimits()
    return shared_reader().read_source(bytes_of(data, limits), limits)


def _start(memory: int) -> Any:
    from loky import ProcessPoolExecutor  # noqa: PLC0415  the worker itself has no use for it

    # unlike multiprocessing's, its processes do not run the main module again, which may be a page
    executor = ProcessPoolExecutor(1, initializer=_confine, initargs=(memory, os.getpid()))
    try:
        executor.submit(os.getpid).result(_STARTING_S)
    except BaseException:
        executor.shutdown(wait=False, kill_workers=True)
        raise
    return executor


def _confine(memory: int, parent: int) -> None:
    """What a worker does first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the app ends it, not the terminal
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold the scan
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_WATCH_S)
    os._exit(0)
