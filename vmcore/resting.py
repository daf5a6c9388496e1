"""Networks on the processor that give their working memory back when they have not been used for a while.

OpenVINO and ONNX Runtime keep what a pass needs beside the weights, as much as the largest pictures and batches
have needed: some hundred MB. The next pass lays it out anew.
"""

from __future__ import annotations

import logging
import threading
import time
import weakref
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

log = logging.getLogger(__name__)

Array = npt.NDArray[np.float32]
_IDLE_S = 30.0
_all: weakref.WeakSet[Resting] = weakref.WeakSet()
_of_all = threading.Lock()
_looked_after = threading.Event()


class Resting(ABC):
    """What can give back the memory that it works in."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._used: float | None = None  # when, since it has rested last
        with _of_all:
            _all.add(self)

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """One caller at a time; afterwards there is something to give back."""
        with self._lock:
            try:
                yield
            finally:
                self._used = time.monotonic()

    def rest(self, idle_s: float = 0.0) -> bool:
        """Give working memory back where there is any, and nobody has used it for so many seconds.

        Returns:
            whether it did.
        """
        if not self._lock.acquire(blocking=False):
            return False
        try:
            if self._used is None or time.monotonic() - self._used < idle_s:
                return False
            self._give_back()
            self._used = None
            return True
        finally:
            self._lock.release()

    @abstractmethod
    def _give_back(self) -> None:
        """Let go of working memory; nobody is at work."""


class Network(Resting):
    """One compiled network; safe to share between threads.

    Args:
        compiled: OpenVINO's compiled model.
    """

    def __init__(self, compiled: Any) -> None:
        super().__init__()
        self._compiled, self._request = compiled, compiled.create_infer_request()

    def __call__(self, batch: Array) -> list[Array]:
        """Its outputs for one input, float32, in memory of their own."""
        with self._at_work():
            self._request.infer([batch])
            return [np.array(tensor.data, np.float32) for tensor in self._request.output_tensors]

    def _give_back(self) -> None:
        self._compiled.release_memory()


def keep_until_idle() -> None:
    """Say that somebody calls :func:`rest_idle` now and then: what is used often may keep its memory till then."""
    _looked_after.set()


def kept_until_idle() -> bool:
    """Whether somebody does; what takes much gives it back after each use otherwise."""
    return _looked_after.is_set()


def rest_idle(idle_s: float = _IDLE_S) -> None:
    """Have everything in the process rest that nobody has used for so many seconds."""
    with _of_all:
        resting = list(_all)
    for one in resting:
        try:
            one.rest(idle_s)
        except Exception as error:  # the others' memory goes back all the same
            log.warning("%s does not rest (%s).", type(one).__name__, type(error).__name__)
