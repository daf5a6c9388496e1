"""Prepare files in chunks, in processes of their own, and hand them on in their order.

A chunk that is prepared lies in CORPUS/work/ until its images are in a shard, so that nothing but the
chunks that were at work is done again after a crash.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, resource_tracker
from multiprocessing.synchronize import Event
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from vmcore.data.corpus.card import CorpusError, CorpusSettings, CorpusStoppedError
from vmcore.data.corpus.finding import FoundFile
from vmcore.data.corpus.pictures import prepare_original
from vmcore.data.corpus.writing import ImageRow
from vmcore.files import write_atomically

FULL = (
    "The disk is full, or the file system takes no larger files. Make room and prepare the corpus "
    "again: it goes on where it was."
)
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_LOOK_S = 0.5
_WATCH_S = 1.0
_STOPPED = "Stopped. Prepare the corpus again: it goes on where it was."
_over: list[Event] = []  # in a worker: set when somebody interrupts


class Chunk(NamedTuple):
    """Prepared files: their images, uint8 (n, 224, 224), with a row each; what was left out and why.

    ``skipped`` has a reason and an original's digest, which is empty where the file was not read.
    """

    pixels: npt.NDArray[np.uint8]
    rows: list[ImageRow]
    skipped: list[tuple[str, str]]


@dataclass(frozen=True)
class Task:
    """A chunk that is to be prepared."""

    number: int
    key: str
    files: tuple[FoundFile, ...]
    roots: tuple[Path, ...]
    folder: Path
    settings: CorpusSettings

    @property
    def file(self) -> Path:
        """Where the chunk lies when it is prepared."""
        return self.folder / f"chunk-{self.number:06d}.npz"


def disk_is_full(error: OSError) -> bool:
    """Whether a write failed because there is no room."""
    return error.errno in _FULL


def prepare_chunk(task: Task) -> None:
    """Prepare a chunk's files and write it down.

    Raises:
        CorpusError: the disk is full.
        CorpusStoppedError: somebody interrupted the process that this one works for.
    """
    pixels, rows, skipped = [], [], []
    for file in task.files:
        if any(over.is_set() for over in _over):
            raise CorpusStoppedError(_STOPPED)
        original = prepare_original(file.path, task.roots[file.source], task.settings)
        skipped += [(reason, original.digest) for reason in original.skipped]
        for one in original.images:
            pixels.append(one.image)
            rows.append(
                ImageRow(file.source, original.digest, one.frame, one.pixels, f"{one.hash:016x}")
            )
    told = json.dumps({"key": task.key, "rows": rows, "skipped": skipped})
    packed = io.BytesIO()
    np.savez(
        packed,
        told=np.frombuffer(told.encode(), np.uint8),
        pixels=np.stack(pixels) if pixels else np.empty((0, 224, 224), np.uint8),
    )
    try:
        write_atomically(task.file, packed.getvalue())
    except OSError as error:
        if disk_is_full(error):
            raise CorpusError(FULL) from None
        raise


def read_chunk(task: Task) -> Chunk | None:
    """A chunk that is prepared already, of the same files and settings; None where there is none."""
    told = told_of(task.file)
    if told is None or told["key"] != task.key:
        return None
    try:
        with np.load(task.file, allow_pickle=False) as packed:
            rows = [ImageRow(*row) for row in told["rows"]]
            return Chunk(packed["pixels"], rows, [tuple(one) for one in told["skipped"]])
    except Exception:  # damaged, in zip's and NumPy's own ways: prepared again
        return None


def told_of(file: Path) -> dict[str, Any] | None:
    """What a chunk says of itself: key, rows, skipped; None where there is none, or a damaged one."""
    try:
        with np.load(file, allow_pickle=False) as packed:
            told: dict[str, Any] = json.loads(packed["told"].tobytes())
            return told if told.keys() >= {"key", "rows", "skipped"} else None
    except Exception:  # in zip's and NumPy's own ways
        return None


class ChunkStream:
    """Chunks in the order in which they are asked for, those behind being prepared meanwhile.

    Args:
        tasks: all chunks.
        workers: processes; one prepares in this process.
        stop: asked again and again; True ends the work.
    """

    def __init__(
        self, tasks: Sequence[Task], workers: int, stop: Callable[[], bool] | None
    ) -> None:
        self._tasks, self._workers = tasks, workers
        self._stop = stop or (lambda: False)
        self._pool: ProcessPoolExecutor | None = None
        self._over = get_context("spawn").Event()
        self._working: dict[int, Future[None]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        """End the processes, after the chunks that they are at; after the files where somebody interrupts."""
        if kind is KeyboardInterrupt:
            self._over.set()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def get(self, number: int) -> Chunk:
        """A chunk, prepared now where it was not.

        Raises:
            CorpusStoppedError: somebody stopped the work.
            CorpusError: the disk is full, or a process was ended from outside.
        """
        task = self._tasks[number]
        chunk = None if number in self._working else read_chunk(task)
        if chunk is not None:
            self._refuse_to_go_on()
            return chunk
        if self._workers <= 1 or len(self._tasks) == 1:
            self._refuse_to_go_on()
            prepare_chunk(task)
        else:
            self._prepare_elsewhere(number)
        chunk = read_chunk(task)
        if chunk is None:
            raise CorpusError(
                "A chunk of images that was just written cannot be read: look at the disk."
            )
        return chunk

    def _prepare_elsewhere(self, number: int) -> None:
        try:
            self._send(number)
            self._wait(self._working.pop(number))
        except BrokenProcessPool:
            raise CorpusError(
                "A process that prepares images was ended from outside, as the system does where "
                "memory runs out. Prepare the corpus again, with fewer workers: it goes on where "
                "it was."
            ) from None

    def _send(self, first: int) -> None:
        """Let this chunk and those behind be prepared."""
        if self._pool is None:
            # a forked child of a process that has threads can hang: start fresh ones
            self._pool = ProcessPoolExecutor(
                self._workers, mp_context=get_context("spawn"),
                initializer=_begin_worker, initargs=(os.getpid(), self._over),
            )  # fmt: skip
        with _uninterrupted():
            for number in range(first, min(first + 3 * self._workers, len(self._tasks))):
                waits = number in self._working
                if not waits and (number == first or not self._tasks[number].file.exists()):
                    self._working[number] = self._pool.submit(prepare_chunk, self._tasks[number])

    def _wait(self, future: Future[None]) -> None:
        while not future.done():
            self._refuse_to_go_on()
            wait([future], _LOOK_S)
        future.result()  # a share that is late raises what a future that is late would raise

    def _refuse_to_go_on(self) -> None:
        if self._stop():
            raise CorpusStoppedError(_STOPPED)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let processes that are started begin deaf to Ctrl-C, which their parent hears."""
    resource_tracker.ensure_running()  # it would let the signal through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin_worker(parent: int, over: Event) -> None:
    """Let a worker end with the process that it works for, however that ends, or when all is over."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _over.append(over)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_WATCH_S)
    os._exit(0)


def chunk_key(files: Sequence[FoundFile], before: str) -> str:
    """Digest of a chunk's files and of all that came before them."""
    digest = hashlib.sha256(before.encode())
    for file in files:
        digest.update(b"\0%d\0%d\0%d\0" % (file.source, file.size, file.modified_ns))
        digest.update(os.fsencode(file.path))
    return digest.hexdigest()
