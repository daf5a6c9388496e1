"""Decoded frames that were used last, of all loops of the process together, in bounded memory."""

from __future__ import annotations

import mmap
import threading
from collections import OrderedDict

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
_MOST_BYTES = 48_000_000  # two loops' batches, those being judged and those coming


class FrameCache:
    """Frames by their owner and number; an owner's are dropped when it says so. Safe to share between threads.

    Args:
        most_bytes: of all frames together; the one put last is kept in any case.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most, self._bytes = most_bytes, 0
        self._frames: OrderedDict[tuple[int, int], Picture] = OrderedDict()
        self._lock = threading.RLock()  # an owner may be collected while it is held

    def get(self, owner: object, frame: int) -> Picture | None:
        """A frame, which then counts as used last; None where it is not held."""
        key = id(owner), frame
        with self._lock:
            found = self._frames.get(key)
            if found is not None:
                self._frames.move_to_end(key)
            return found

    def has(self, owner: object, frame: int) -> bool:
        """Whether a frame is held."""
        return (id(owner), frame) in self._frames

    def put(self, owner: object, frame: int, picture: Picture) -> Picture:
        """Hold a frame in memory of its own, read-only, which the system gets back when nobody has it."""
        pages = np.frombuffer(mmap.mmap(-1, picture.nbytes), np.uint8).reshape(picture.shape)
        pages[:] = picture
        pages.flags.writeable = False
        key = id(owner), frame
        with self._lock:
            self._drop(key)
            self._frames[key] = pages
            self._bytes += pages.nbytes
            while self._bytes > self._most and len(self._frames) > 1:
                self._drop(next(iter(self._frames)))
        return pages

    def drop(self, owner: int) -> None:
        """Let go of an owner's frames, by its ``id``."""
        with self._lock:
            for key in [key for key in self._frames if key[0] == owner]:
                self._drop(key)

    def held(self, owner: object) -> int:
        """Bytes of an owner's frames."""
        with self._lock:
            return sum(one.nbytes for key, one in self._frames.items() if key[0] == id(owner))

    def _drop(self, key: tuple[int, int]) -> None:
        gone = self._frames.pop(key, None)
        if gone is not None:
            self._bytes -= gone.nbytes


CACHE = FrameCache()
"""The process's."""
