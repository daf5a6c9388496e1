"""Networks on the processor that give their working memory back when they have not been used for a while.

OpenVINO keeps what a pass needs beside the weights, as much as the largest pictures and batches have needed:
some hundred MB. The next pass lays it out anew.
"""

from __future__ import annotations

import threading
import time
import weakref
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
_IDLE_S = 30.0
_all: weakref.WeakSet[Network] = weakref.WeakSet()


class Network:
    """One compiled network; safe to share between threads.

    Args:
        compiled: OpenVINO's compiled model.
    """

    def __init__(self, compiled: Any) -> None:
        self._compiled, self._request = compiled, compiled.create_infer_request()
        self._lock = threading.Lock()
        self._used: float | None = None  # when, since it has rested last
        _all.add(self)

    def __call__(self, batch: Array) -> list[Array]:
        """Its outputs for one input, float32, in memory of their own."""
        with self._lock:
            self._request.infer([batch])
            self._used = time.monotonic()
            return [np.array(tensor.data, np.float32) for tensor in self._request.output_tensors]

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
            self._compiled.release_memory()
            self._used = None
            return True
        finally:
            self._lock.release()


def rest_idle(idle_s: float = _IDLE_S) -> None:
    """Have all networks of the process rest that nobody has used for so many seconds."""
    for network in list(_all):
        network.rest(idle_s)
